import assert from 'node:assert';
import {
  type Body,
  type Mark,
  type Published,
  type PublishOptions,
  type PublishRequest,
  type Staged,
  type StageOptions,
  StorageError,
  type Token,
} from '../../ports/storage.ts';
import { formatMark } from '../mark-document.ts';
import { MeasuredBody } from '../measured-body.ts';
import { DirectoryFlush } from './directory-flush.ts';
import type { SftpDirectories } from './sftp-directories.ts';
import { isMissing, isUnexplained, SftpFailure } from './sftp-errors.ts';
import { parentOf, removeQuietly, type SftpPlace } from './sftp-place.ts';
import type { Handle, SftpSession, SftpStatus } from './sftp-session.ts';
import { makeOwnDirectory, type SftpStaging } from './sftp-staging.ts';

/** One write: every server takes so much (OpenSSH: 256 KiB). */
const WRITE_BYTES = 32 * 1024;
/** Bytes on their way before the source is asked for more; memory of one `stage`. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;
const PUBLISHES_AT_ONCE = 16;
/** Others may remove the empty directory a key needs, as often as it is made; more often than this nobody does. */
const ATTEMPTS_MAX = 5;
/** What version 3 of SFTP has for a time: seconds in 32 bits, from 1970 on. */
const SECONDS_MAX = 2 ** 32 - 1;
const NS_PER_S = 1_000_000_000n;

class StagedFile implements Staged {
  readonly key: string;
  readonly path: string;
  readonly status: SftpStatus;
  readonly options: StageOptions;

  constructor(fields: Pick<StagedFile, 'key' | 'path' | 'status' | 'options'>) {
    this.key = fields.key;
    this.path = fields.path;
    this.status = fields.status;
    this.options = fields.options;
  }

  get size(): number {
    return this.status.size;
  }
}

export interface SftpWriterOptions {
  readonly place: SftpPlace;
  readonly directories: SftpDirectories;
  readonly staging: SftpStaging;
  /** False: copies are soft, nothing is flushed. */
  readonly durable: boolean;
}

/** Stages files under names of the writer's own, flushed; publishes them by a link or a rename, and flushes the directories. */
export class SftpWriter {
  readonly #place: SftpPlace;
  readonly #directories: SftpDirectories;
  readonly #staging: SftpStaging;
  readonly #durable: boolean;
  readonly #directoryFlush: DirectoryFlush;
  /** Directories in which something was deleted since the last flush. */
  readonly #deletedIn = new Set<string>();

  constructor({ place, directories, staging, durable }: SftpWriterOptions) {
    this.#place = place;
    this.#directories = directories;
    this.#staging = staging;
    this.#durable = durable;
    this.#directoryFlush = new DirectoryFlush(place);
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    const where = { store: this.#place.store, key };
    const { attributes, signal } = options;
    if (attributes.link !== undefined)
      throw new StorageError('unsupported', where, 'a symbolic link cannot be kept in this store');
    if (signal?.aborted === true) throw new StorageError('aborted', where, 'it was aborted', signal.reason);
    const source = new MeasuredBody(where, body, options);
    let created: { readonly session: SftpSession; readonly path: string } | undefined;
    try {
      const session = await this.#place.session();
      const { path, handle } = await this.#staging.within(session, async (free) => ({
        path: free,
        handle: await session.create(free),
      }));
      created = { session, path };
      try {
        const size = await writeAll(session, handle, source);
        const status = await this.#finish(session, handle, options);
        if (status.size !== size)
          throw new StorageError('corrupt', where, `the server has ${status.size} of ${size} bytes`);
        return new StagedFile({ key, path, status, options });
      } finally {
        session.close(handle).catch(() => undefined);
      }
    } catch (error) {
      await created?.session.unlink(created.path).catch(() => undefined);
      throw await this.#place.toError(error, key);
    } finally {
      source.close();
    }
  }

  /** Mode, time, and all of it durable; the server does these in the order they are sent. */
  async #finish(session: SftpSession, handle: Handle, { attributes }: StageOptions): Promise<SftpStatus> {
    const { mode, modifiedNs } = attributes;
    const [, , , status] = await Promise.all([
      mode === undefined ? undefined : session.setMode(handle, mode),
      modifiedNs === undefined ? undefined : session.setTime(handle, toSeconds(modifiedNs)),
      this.#durable ? session.fsync(handle) : undefined,
      session.fstat(handle),
    ]);
    return status;
  }

  /** Staged bytes are flushed by `stage`: the server has no flush that many could share. */
  async flush(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) assert(one instanceof StagedFile, `${this.#place.store}: ${one.key}: not staged here`);
    const directories = [...this.#deletedIn];
    this.#deletedIn.clear();
    if (this.#durable) await this.#directoryFlush.all(directories);
  }

  noteDeleted(key: string): void {
    this.#deletedIn.add(parentOf(key));
  }

  async publish(requests: readonly PublishRequest[]): Promise<(Published | StorageError)[]> {
    const outcomes: (Published | StorageError)[] = [];
    const changed = new Set<string>();
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < requests.length; i = next++) {
        const { staged, options } = requests[i] as PublishRequest;
        assert(staged instanceof StagedFile, `${this.#place.store}: ${staged.key}: not staged here`);
        try {
          outcomes[i] = await this.#publishOne(staged, options);
          changed.add(parentOf(staged.key));
        } catch (error) {
          await this.discard([staged]);
          outcomes[i] = await this.#place.toError(error, staged.key);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(PUBLISHES_AT_ONCE, requests.length) }, work));
    if (this.#durable && changed.size > 0)
      await this.#directoryFlush.all([...changed, ...this.#directories.takeFresh()]);
    return outcomes;
  }

  async #publishOne(staged: StagedFile, options: PublishOptions): Promise<Published> {
    const { key } = staged;
    const session = await this.#place.session();
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#directories.makeParent(session, key);
        const token = await this.#move(session, staged, options);
        await this.#writeMark(session, staged, token, options.mark ?? staged.options.mark);
        return { token, verification: 'written' };
      } catch (error) {
        if (!isMissing(error) || attempt === ATTEMPTS_MAX || !(await this.#isStaged(session, staged))) throw error;
        this.#directories.forget();
      }
    }
  }

  async #isStaged(session: SftpSession, { path }: StagedFile): Promise<boolean> {
    return session.lstat(path).then(
      () => true,
      () => false,
    );
  }

  /** The staged file becomes visible at its key, on the condition asked for; gives its token there. */
  async #move(session: SftpSession, staged: StagedFile, { ifAbsent, ifToken }: PublishOptions): Promise<Token> {
    const { key, path } = staged;
    const target = this.#place.pathOf(key);
    const present = await session.lstat(target).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (ifToken !== undefined && present?.token !== ifToken)
      throw this.#place.taken(key, 'the file is another than expected');
    if (present?.kind === 'directory') throw this.#place.blocked(key, 'a directory lies where the file must be');
    if (ifAbsent === true) {
      if (present !== undefined) throw this.#place.taken(key, 'something is there already');
      await this.#link(session, staged, target);
      return staged.status.token;
    }
    const token = await setApart(session, staged, present);
    await session.replace(path, target);
    return token;
  }

  async #link(session: SftpSession, { key, path }: StagedFile, target: string): Promise<void> {
    try {
      await session.link(path, target);
    } catch (error) {
      if (!isUnexplained(error)) throw error;
      await session.lstat(target).catch(() => {
        throw error;
      });
      throw this.#place.taken(key, 'something is there already');
    }
    await session.unlink(path);
  }

  /**
   * Beside what lies there, and replaced in one step. It is not flushed, which would double what a small object costs: with the
   * power goes no more than that a copy is known without a catalog, and what is torn says nothing.
   */
  async #writeMark(session: SftpSession, { key, options }: StagedFile, token: Token, mark: Mark): Promise<void> {
    const { contentType, metadata } = options.attributes;
    const attributes = {
      ...(contentType === undefined ? {} : { contentType }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    const text = formatMark(key, token, { mark, attributes });
    const path = this.#place.markPath(key);
    await this.#staging.within(session, async (free) => {
      await this.#place.writeOwn(session, free, text);
      try {
        await session.replace(free, path);
      } catch (error) {
        if (!isMissing(error)) throw error;
        await makeOwnDirectory(session, this.#place.ownPath('meta'));
        await session.replace(free, path);
      }
    });
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    const session = this.#place.current;
    if (session === undefined) return;
    for (const one of staged) if (one instanceof StagedFile) await session.unlink(one.path).catch(() => undefined);
  }

  async remove(session: SftpSession, key: string): Promise<void> {
    await Promise.all([session.unlink(this.#place.pathOf(key)), removeQuietly(session, this.#place.markPath(key))]);
    await this.#directories.removeEmptyAbove(session, key);
    this.noteDeleted(key);
  }
}

async function writeAll(session: SftpSession, handle: Handle, source: MeasuredBody): Promise<number> {
  let size = 0;
  let unwritten = 0;
  let failure: unknown;
  const writes: Promise<void>[] = [];
  const write = (bytes: Uint8Array): void => {
    unwritten += bytes.length;
    const written = session.write(handle, bytes, size).then(
      () => void (unwritten -= bytes.length),
      (error: unknown) => void (failure ??= error),
    );
    writes.push(written);
    size += bytes.length;
  };
  for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
    for (let at = 0; at < chunk.length; at += WRITE_BYTES) {
      write(chunk.subarray(at, at + WRITE_BYTES));
      while (unwritten > UNWRITTEN_BYTES_MAX && failure === undefined) await writes.shift();
    }
    if (failure !== undefined) break;
  }
  await Promise.all(writes);
  if (failure === undefined) return size;
  throw failure instanceof Error ? failure : new SftpFailure('unavailable', 'a write failed', { cause: failure });
}

/**
 * A token is size and seconds, so what replaces a file of the same size within its second would have the same one. Its time is then
 * one second later: a token never passes from bytes to others.
 */
async function setApart(session: SftpSession, staged: StagedFile, present: SftpStatus | undefined): Promise<Token> {
  const { status, path } = staged;
  if (present?.token !== status.token) return status.token;
  const seconds = status.seconds === SECONDS_MAX ? status.seconds - 1 : status.seconds + 1;
  await session.setTime(path, seconds);
  return (await session.lstat(path)).token;
}

function toSeconds(ns: bigint): number {
  const seconds = Number(ns / NS_PER_S) - (ns % NS_PER_S < 0n ? 1 : 0);
  return Math.min(Math.max(seconds, 0), SECONDS_MAX);
}
