import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { DARK_DIRECTORY, isReserved } from '../../domain/object/key.ts';
import type { StoreCapabilities } from '../../domain/store/capabilities.ts';
import {
  type Body,
  type DeleteOptions,
  type GetOptions,
  type Got,
  type Head,
  type HeadOptions,
  type LeaseClaim,
  type LeaseHeld,
  type ListingPage,
  type ListOptions,
  type Published,
  type PublishRequest,
  type Staged,
  type StageOptions,
  type Storage,
  StorageError,
  type StoreLease,
  type WholeGot,
  type WholeObject,
} from '../../ports/storage.ts';
import { checkKey } from '../check-key.ts';
import { DirectWrites } from './direct-writes.ts';
import { Directories, parentOf } from './directories.ts';
import { isMissing, toStorageError } from './file-errors.ts';
import { type FileIo, makeBlockingIo, waitingIo } from './file-io.ts';
import { FileFlush } from './file-flush.ts';
import { FileLease } from './file-lease.ts';
import { FileReader } from './file-reader.ts';
import type { FileStatus } from './file-status.ts';
import { FileWriter } from './file-writer.ts';
import { hasEntries } from './has-entries.ts';
import { listInThread } from './listing.ts';
import { fromColumns } from './listing-columns.ts';
import { loadNativeFiles } from './native.ts';
import { Sidecars } from './sidecars.ts';
import { SmallFiles } from './small-files.ts';
import { SmallPuts } from './small-puts.ts';
import { StagingArea } from './staging-area.ts';
import { UnnamedFiles } from './unnamed-files.ts';
import { followsFiles, type SymlinkMode, walk } from './walk.ts';

export interface FileStorageOptions {
  readonly name: string;
  /** Directory the keys are relative to. Need not exist: listing and reading then say so, writing makes it. */
  readonly basePath: string;
  /** Normalised URL of the place; by default that of `basePath` as written. */
  readonly place?: string;
  /** `relaxed`: nothing is flushed; what is written may be lost with the power, so its replicas are soft. */
  readonly durability?: 'strict' | 'relaxed';
  readonly symlinks?: SymlinkMode;
  /** In a thread or process that does nothing else: file calls block, which is several times cheaper for small files. */
  readonly blocking?: boolean;
  /** Files staged without a name at once, at most; 0: each has one. By default as many as the process can spare. */
  readonly unnamedFiles?: number;
}

/** Objects as files below a directory: any POSIX file system, parallel ones and NFS too (docs/stores.md, "Type file"). */
export function openFileStorage(options: FileStorageOptions): Storage {
  return new FileStorage(options);
}

class FileStorage implements Storage {
  readonly name: string;
  readonly place: string;
  readonly capabilities: StoreCapabilities;
  readonly #root: string;
  readonly #symlinks: SymlinkMode;
  readonly #io: FileIo;
  readonly #directories: Directories;
  readonly #reader: FileReader;
  readonly #flush: FileFlush;
  readonly #writer: FileWriter;
  readonly #sidecars: Sidecars;
  readonly #staging: StagingArea;
  readonly #lease: FileLease;
  /** Undefined where calls do not block. */
  readonly #small: SmallFiles | undefined;
  /** Undefined where they do. */
  readonly putTogether?: NonNullable<Storage['putTogether']>;
  readonly #puts: SmallPuts | undefined;

  constructor(options: FileStorageOptions) {
    const native = loadNativeFiles();
    this.name = options.name;
    this.#root = path.resolve(options.basePath);
    this.place = options.place ?? `${pathToFileURL(this.#root).href.replace(/\/$/, '')}/`;
    this.#symlinks = options.symlinks ?? 'follow';
    const blockingIo = options.blocking === true ? makeBlockingIo(native) : undefined;
    this.#io = blockingIo ?? waitingIo;
    const durable = options.durability !== 'relaxed';
    this.capabilities = { ...CAPABILITIES, soft: !durable };
    const shared = { store: this.name, io: this.#io, native };
    this.#directories = new Directories({ root: this.#root, io: this.#io, store: this.name });
    this.#sidecars = new Sidecars(this.name, this.#root, this.#io);
    this.#staging = new StagingArea(this.name, this.#root);
    this.#lease = new FileLease(this.name, this.#root);
    this.#reader = new FileReader({
      ...shared,
      directories: this.#directories,
      sidecars: this.#sidecars,
      symlinks: this.#symlinks,
      toError: (error, key) => this.#toAskError(error, key),
    });
    if (blockingIo === undefined) {
      const puts = new SmallPuts(options);
      this.#puts = puts;
      this.putTogether = (objects) => this.#putTogether(puts, objects);
    }
    const unnamed = new UnnamedFiles({ io: this.#io, native, staging: this.#staging, max: options.unnamedFiles });
    if (blockingIo !== undefined && native !== undefined) {
      this.#small = new SmallFiles({
        store: this.name,
        io: blockingIo,
        native,
        unnamed,
        directories: this.#directories,
        followsDirectories: this.#symlinks === 'follow',
      });
    }
    this.#flush = new FileFlush({ ...shared, directories: this.#directories });
    this.#writer = new FileWriter({
      ...shared,
      directories: this.#directories,
      sidecars: this.#sidecars,
      staging: this.#staging,
      unnamed,
      symlinks: this.#symlinks,
      flush: this.#flush,
      direct: new DirectWrites({ io: this.#io, native, wanted: durable ? 'always' : 'where-fast' }),
      small: this.#small,
      durable,
      toError: (error, key) => this.#toError(error, 'not-found', key),
    });
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    this.#check(key, options.signal);
    try {
      return await this.#reader.get(key, options);
    } catch (error) {
      throw this.#toAskError(error, key);
    }
  }

  getAtOnce(key: string, options: GetOptions): WholeGot | undefined {
    if (this.#small === undefined) return undefined;
    this.#check(key, options.signal);
    try {
      return this.#small.get(key, options);
    } catch (error) {
      throw this.#toAskError(error, key);
    }
  }

  async head(key: string, options: HeadOptions = {}): Promise<Head> {
    this.#check(key, options.signal);
    try {
      if (options.toWrite === true) await this.#directories.checkDirect(key);
      return await this.#reader.head(key);
    } catch (error) {
      throw this.#toAskError(error, key);
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListingPage> {
    const { signal, startAfter } = options;
    if (isReserved(parentOf(prefix)) && !prefix.startsWith(DARK_DIRECTORY)) return;
    this.#checkPrefix(prefix);
    const walkOptions = { root: this.#root, store: this.name, prefix, startAfter, symlinks: this.#symlinks };
    if (!this.#io.blocking) {
      // What cannot be looked at is told by the listing.
      const isEmpty = prefix === '' && !(await hasEntries(this.#root).catch(() => true));
      if (isEmpty && signal?.aborted !== true) return;
      return yield* listInThread(walkOptions, signal);
    }
    for (const page of walk(walkOptions)) {
      if (signal?.aborted)
        throw new StorageError('aborted', { store: this.name }, 'the listing was stopped', signal.reason);
      yield fromColumns(page);
    }
  }

  async delete(key: string, options: DeleteOptions = {}): Promise<void> {
    this.#check(key, options.signal);
    try {
      await this.#delete(key, options);
    } catch (error) {
      const failure = this.#toAskError(error, key);
      if (failure.kind !== 'not-found') throw failure;
    }
  }

  async #delete(key: string, options: DeleteOptions): Promise<void> {
    await this.#directories.checkParent(key);
    await this.#directories.checkDirect(key);
    const filePath = this.#directories.pathOf(key);
    const stats = await this.#io.lstat(filePath);
    if (stats.kind === 'directory') return;
    if (options.ifToken !== undefined && !(await this.#isMeant(filePath, stats, options.ifToken))) {
      throw new StorageError('precondition-failed', { store: this.name, key }, 'the file is another than expected');
    }
    await this.#io.unlink(filePath);
    await this.#sidecars.remove(key);
    await this.#directories.removeEmptyAbove(key);
    this.#flush.deletedIn.note(parentOf(key));
    if (options.deferred !== true) await this.#writer.flush([]);
  }

  /**
   * Whether the entry is the one whose token a listing gave: of a link its own where links are kept (by this store, or by the one
   * that recorded it), or that of what it leads to where they are followed.
   */
  async #isMeant(filePath: string, stats: FileStatus, token: string): Promise<boolean> {
    if (stats.token === token) return true;
    if (stats.kind !== 'link' || !followsFiles(this.#symlinks)) return false;
    try {
      return (await this.#io.stat(filePath)).token === token;
    } catch (error) {
      // What it leads to is gone; the link is not.
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    this.#check(key, options.signal);
    try {
      return await this.#writer.stage(key, body, options);
    } catch (error) {
      throw this.#toStageError(error, key, options);
    }
  }

  stageAtOnce(key: string, bytes: Uint8Array, options: StageOptions): Staged | undefined {
    if (this.#small === undefined) return undefined;
    this.#check(key, options.signal);
    try {
      return this.#small.stage(key, bytes, options);
    } catch (error) {
      throw this.#toStageError(error, key, options);
    }
  }

  #toStageError(error: unknown, key: string, { signal }: StageOptions): StorageError {
    if (signal?.aborted && !(error instanceof StorageError)) return this.#aborted(key, signal);
    if (error instanceof StorageError || (error as NodeJS.ErrnoException).code !== undefined)
      return this.#toError(error, 'not-found', key);
    return new StorageError('aborted', { store: this.name, key }, 'the bytes to be written could not be read', error);
  }

  async flush(staged: readonly Staged[]): Promise<void> {
    try {
      await this.#writer.flush(staged);
    } catch (error) {
      throw this.#toError(error);
    }
  }

  async flushAll(): Promise<void> {
    try {
      await this.#flush.all();
    } catch (error) {
      throw this.#toError(error);
    }
  }

  async publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    try {
      return await this.#writer.publish(requests);
    } catch (error) {
      throw this.#toError(error);
    }
  }

  async #putTogether(puts: SmallPuts, objects: readonly WholeObject[]): Promise<readonly (Published | StorageError)[]> {
    for (const { key } of objects) this.#check(key, undefined);
    return puts.put(objects);
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    await this.#writer.discard(staged);
  }

  async freeBytes(): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await fs.promises.statfs(this.#root);
      return bavail * bsize;
    } catch {
      return undefined;
    }
  }

  async clean(): Promise<number> {
    try {
      this.#lease.clean(Date.now());
      return await this.#staging.clean(this.#io);
    } catch (error) {
      throw this.#toError(error);
    }
  }

  async lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    const translated = async <T>(act: () => T | Promise<T>): Promise<T> => {
      try {
        return await act();
      } catch (error) {
        throw this.#toError(error);
      }
    };
    const lease = await translated(() => this.#lease.claim(claim));
    if (!('release' in lease)) return lease;
    return {
      renew: (nowMs) => translated(() => lease.renew(nowMs)),
      release: () => translated(() => lease.release()),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#puts?.close();
    await this.#flush.close();
    await this.#writer.close();
  }

  /** Of a store whose root is gone nothing is known (I9): "not found" would say that the object is. */
  #toAskError(error: unknown, key: string): StorageError {
    return this.#toError(error, 'unavailable', key);
  }

  /** Nothing is made anew where the root is gone: it may be a disk that is not mounted. */
  #toError(error: unknown, ifRootIsGone: 'not-found' | 'unavailable' = 'not-found', key?: string): StorageError {
    const failure = toStorageError(error, this.name, key);
    if (failure.kind !== 'not-found' || fs.existsSync(this.#root)) return failure;
    const where = key === undefined ? { store: this.name } : { store: this.name, key };
    const why = `its directory ${this.#root} does not exist: mount the disk it lies on, or make it`;
    return new StorageError(ifRootIsGone, where, why, error);
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    checkKey(this.name, key);
    if (signal?.aborted) throw this.#aborted(key, signal);
  }

  /** The directory part of a prefix becomes a path. */
  #checkPrefix(prefix: string): void {
    const directory = parentOf(prefix);
    if (prefix === DARK_DIRECTORY) return;
    if (directory !== '' || prefix.startsWith('/')) checkKey(this.name, directory);
  }

  #aborted(key: string, signal: AbortSignal): StorageError {
    return new StorageError('aborted', { store: this.name, key }, 'it was stopped', signal.reason);
  }
}

const CAPABILITIES: Omit<StoreCapabilities, 'soft'> = {
  sortedListing: true,
  conditionalPut: 'create-only',
  checksPut: false,
  stagesInMemory: false,
  mtimeResolutionNs: 1n,
  directories: true,
  keepsMetadata: true,
};
