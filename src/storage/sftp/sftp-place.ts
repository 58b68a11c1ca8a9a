import { RESERVED_DIRECTORY } from '../../domain/object/key.ts';
import { StorageError } from '../../ports/storage.ts';
import { markDocumentName } from '../mark-document.ts';
import type { SftpConnection } from './sftp-connection.ts';
import { isMissing, isUnexplained, STATUS, SftpFailure, toFailure, toStorageError } from './sftp-errors.ts';
import type { Handle, SftpSession, SftpStatus } from './sftp-session.ts';

/** Directories remembered as safe; beyond it all are looked at again. Keeps the memory of a huge tree flat. */
const REMEMBERED_MAX = 20_000;
/** So long a directory that was found safe is taken to be; in its place there may be a link by then. */
const SAFE_MS = 1000;

/** A directory on a server: where its keys lie, what it must not be left through, and what a failure there means. */
export class SftpPlace {
  readonly store: string;
  readonly root: string;
  readonly #connection: SftpConnection;
  readonly #prefix: string;
  readonly #safe = new Set<string>();
  #safeUntilMs = 0;
  #realRoot: string | undefined;

  constructor(store: string, path: string, connection: SftpConnection) {
    this.store = store;
    this.root = path === '' ? '.' : path;
    this.#prefix = path === '/' ? '/' : `${this.root}/`;
    this.#connection = connection;
  }

  /** Where there is one: for what is not worth a new one. */
  get current(): SftpSession | undefined {
    return this.#connection.current;
  }

  session(): Promise<SftpSession> {
    return this.#connection.session();
  }

  /** Of a key, or of a directory below the root; '' is the root. */
  pathOf(key: string): string {
    return key === '' ? this.root : this.#prefix + key;
  }

  /** Of what Pando keeps for itself: `lease`, `meta/…`. */
  ownPath(name: string): string {
    return `${this.#prefix}${RESERVED_DIRECTORY}/${name}`;
  }

  markPath(key: string): string {
    return this.ownPath(markDocumentName(key));
  }

  /** What lies at a key, not followed if it is a link; the way to it leads through no link either. */
  async look(session: SftpSession, key: string): Promise<SftpStatus> {
    const [status] = await Promise.all([session.lstat(this.pathOf(key)), this.checkParent(session, key)]);
    return status;
  }

  /** Makes sure the directory of a key lies in the store in truth. */
  async checkParent(session: SftpSession, key: string): Promise<void> {
    const directory = parentOf(key);
    if (directory === '' || this.#isSafe(directory)) return;
    this.#realRoot ??= await session.realpath(this.root);
    const real = await session.realpath(this.pathOf(directory));
    if (real !== `${this.#realRoot === '/' ? '' : this.#realRoot}/${directory}`) throw this.linked(key);
    if (this.#safe.size >= REMEMBERED_MAX) this.#safe.clear();
    this.#safe.add(directory);
  }

  #isSafe(directory: string): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#safeUntilMs) {
      this.#safe.clear();
      this.#safeUntilMs = nowMs + SAFE_MS;
    }
    return this.#safe.has(directory);
  }

  /** A small file of Pando's own; undefined where there is none. */
  async readOwn(session: SftpSession, path: string, bytesMax: number): Promise<string | undefined> {
    let handle: Handle;
    try {
      handle = await session.openForReading(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    const chunks: Uint8Array[] = [];
    let length = 0;
    try {
      for (;;) {
        const chunk = await session.read(handle, length, Math.min(32 * 1024, bytesMax - length));
        chunks.push(chunk);
        length += chunk.length;
        if (chunk.length === 0 || length >= bytesMax) return Buffer.concat(chunks).toString('utf8');
      }
    } finally {
      session.close(handle).catch(() => undefined);
    }
  }

  /** A new small file. */
  async writeOwn(session: SftpSession, path: string, text: string): Promise<void> {
    const handle = await session.create(path);
    await Promise.all([session.write(handle, Buffer.from(text, 'utf8'), 0), session.close(handle)]);
  }

  /** A directory's own entries become durable; one that is gone has its nearest parent flushed. */
  async flushDirectory(session: SftpSession, directory: string): Promise<void> {
    let handle: Handle;
    try {
      handle = await session.openForReading(this.pathOf(directory));
    } catch (error) {
      if (!isMissing(error) || directory === '') throw error;
      return this.flushDirectory(session, parentOf(directory));
    }
    await Promise.all([session.fsync(handle), session.close(handle)]);
  }

  async hasRoot(): Promise<boolean> {
    try {
      await (await this.session()).lstat(this.root);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /**
   * What a failure means for this store. Of one whose root is gone nothing is known (I9), and what the server gives no reason for
   * may be a disk that is full.
   */
  async toError(
    error: unknown,
    key: string | undefined,
    ifRootIsGone: 'not-found' | 'unavailable' = 'not-found',
  ): Promise<StorageError> {
    if (error instanceof StorageError) return error;
    const where = key === undefined ? { store: this.store } : { store: this.store, key };
    try {
      if (isMissing(error) && !(await this.hasRoot()))
        return new StorageError(ifRootIsGone, where, `its directory ${this.root} does not exist: make it`, error);
      if (isUnexplained(error)) {
        const { isFull, isReadOnly } = await (await this.session()).statvfs(this.root);
        if (isReadOnly) return new StorageError('read-only', where, 'the file system is read-only', error);
        if (isFull) return new StorageError('full', where, 'no space is left on the server', error);
      }
    } catch {
      // What failed first is told.
    }
    return toStorageError(error, where);
  }

  linked(key: string): StorageError {
    return new StorageError(
      'denied',
      { store: this.store, key },
      'a symbolic link is on the way, and none is followed',
    );
  }

  taken(key: string, why: string): StorageError {
    return new StorageError('precondition-failed', { store: this.store, key }, why);
  }

  blocked(key: string, why: string): StorageError {
    return new StorageError('blocked', { store: this.store, key }, why);
  }
}

/** What is no file is no object: as if nothing were there. Links are refused, not followed. */
export function demandFile(place: SftpPlace, key: string, { kind }: SftpStatus): void {
  if (kind === 'symlink')
    throw new StorageError('denied', { store: place.store, key }, 'it is a symbolic link, and none is followed');
  if (kind !== 'file') throw new SftpFailure('not-found', 'not found', { status: STATUS.noSuchFile });
}

/** '' for a key at the root. */
export function parentOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

/** Something that may not be there any more is gone afterwards. */
export async function removeQuietly(session: SftpSession, path: string): Promise<void> {
  await session.unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw toFailure(error);
  });
}
