import assert from 'node:assert';
import fs from 'node:fs';
import os from 'node:os';
import {
  type Body,
  type Mark,
  type Published,
  type PublishRequest,
  type Staged,
  type StageOptions,
  StorageError,
} from '../../ports/storage.ts';
import { openChunks } from '../body.ts';
import type { DirectWrites } from './direct-writes.ts';
import { type Directories, parentOf } from './directories.ts';
import { errorCodeOf, isBlockedByDirectory, isMissing, systemError } from './file-errors.ts';
import type { FileFlush } from './file-flush.ts';
import type { FileIo } from './file-io.ts';
import { encodeFileMark } from './file-mark.ts';
import type { NativeFiles } from './native.ts';
import type { Sidecars } from './sidecars.ts';
import type { SmallFiles } from './small-files.ts';
import { StagedFile, type Whereabouts } from './staged-file.ts';
import type { StagingArea } from './staging-area.ts';
import type { UnnamedFiles } from './unnamed-files.ts';
import { followsFiles, type SymlinkMode } from './walk.ts';
import { writeMark } from './write-mark.ts';

const { O_WRONLY, O_CREAT, O_EXCL } = fs.constants;
const { EINVAL, ENOSYS } = os.constants.errno;

const NS_PER_S = 1e9;

export interface FileWriterOptions {
  readonly store: string;
  readonly io: FileIo;
  readonly native: NativeFiles | undefined;
  readonly directories: Directories;
  readonly sidecars: Sidecars;
  readonly staging: StagingArea;
  readonly unnamed: UnnamedFiles;
  readonly symlinks: SymlinkMode;
  readonly flush: FileFlush;
  readonly direct: DirectWrites;
  /** Where calls block: the short way, tried first. */
  readonly small: SmallFiles | undefined;
  /** False: copies are soft, nothing is flushed. */
  readonly durable: boolean;
  /** What a failed system call means for this store. */
  readonly toError: (error: unknown, key: string) => StorageError;
}

interface Filling {
  readonly key: string;
  readonly body: Body;
  readonly options: StageOptions;
  readonly at: Whereabouts;
}

/** Stages, flushes and publishes files: bytes and mark under no name or a temporary one, one flush for many, then their names. */
export class FileWriter {
  readonly #o: FileWriterOptions;
  readonly #io: FileIo;
  readonly #umask = process.umask();

  constructor(options: FileWriterOptions) {
    this.#o = options;
    this.#io = options.io;
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    if (options.attributes.link !== undefined) return this.#stageLink(key, options.attributes.link, options);
    const mode = (options.attributes.mode ?? 0o666) | 0o200;
    const unnamed = await this.#o.staging.within(() => this.#o.unnamed.create(mode));
    if (unnamed !== undefined) {
      const at = { path: undefined, fd: unnamed };
      try {
        return await this.#fill({ key, body, options, at }, unnamed);
      } catch (error) {
        await this.#remove(at);
        throw error;
      }
    }
    const { at, fd } = await this.#o.staging.within(() => this.#openNamed(mode));
    let staged: Staged | undefined;
    try {
      staged = await this.#fill({ key, body, options, at }, fd);
      return staged;
    } finally {
      await this.#io.close(fd);
      if (staged === undefined) await this.#remove(at);
    }
  }

  async #openNamed(mode: number): Promise<{ at: Whereabouts; fd: number }> {
    const path = this.#o.staging.nextPath();
    return { at: { path, fd: undefined }, fd: await this.#io.open(path, O_WRONLY | O_CREAT | O_EXCL, mode) };
  }

  /** Bytes, mark, mode and times. */
  async #fill({ key, body, options, at }: Filling, fd: number): Promise<Staged> {
    const size = await this.#write(key, fd, body, options);
    // Before the mode: a file its owner may not write takes no mark from him.
    const marked = options.mark.sha256 !== undefined && this.#mark(key, fd, options.mark, options);
    const { mode, modifiedNs } = options.attributes;
    if (mode !== undefined && ((mode | 0o200) & ~this.#umask) !== mode) await this.#io.chmod(fd, mode);
    if (modifiedNs !== undefined) await this.#setTimes(fd, modifiedNs);
    const token = (await this.#io.fstat(fd)).token;
    return new StagedFile({ key, at, size, token, options, marked });
  }

  async #stageLink(key: string, link: string, options: StageOptions): Promise<Staged> {
    const path = await this.#o.staging.within(async () => {
      const free = this.#o.staging.nextPath();
      await this.#io.symlink(link, free);
      return free;
    });
    const token = (await this.#io.lstat(path)).token;
    return new StagedFile({ key, at: { path, fd: undefined }, size: 0, token, options, marked: false });
  }

  async #write(key: string, fd: number, body: Body, options: StageOptions): Promise<number> {
    const expected = options.size ?? (body instanceof Uint8Array ? body.length : undefined);
    const direct = this.#o.direct.begin(fd, expected);
    const chunks = openChunks(body, options.signal);
    let size = 0;
    try {
      for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
        size += chunk.length;
        if (expected !== undefined && size > expected) break;
        await (direct === undefined ? this.#writeAll(fd, chunk) : direct.write(chunk));
      }
      await direct?.end();
    } finally {
      chunks.close();
      await direct?.stop();
    }
    if (expected === undefined || size === expected) return size;
    const came = size > expected ? 'more than' : `${size} of`;
    throw new StorageError('corrupt', { store: this.#o.store, key }, `${came} the ${expected} bytes announced came`);
  }

  async #writeAll(fd: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += await this.#io.write(fd, at === 0 ? bytes : bytes.subarray(at));
  }

  #mark(key: string, fd: number, mark: Mark, { attributes }: StageOptions): boolean {
    const { store, native } = this.#o;
    return writeMark({ store, key, fd, native }, mark, attributes);
  }

  async #setTimes(fd: number, modifiedNs: bigint): Promise<void> {
    const result = this.#o.native?.setTimes(fd, modifiedNs);
    if (result === undefined) await this.#io.setTimes(fd, Number(modifiedNs) / NS_PER_S);
    else if (result < 0) throw systemError('the time cannot be set', result);
  }

  async flush(staged: readonly Staged[]): Promise<void> {
    const { flush, durable } = this.#o;
    if (!durable) return flush.deletedIn.forget();
    const deletedIn = flush.deletedIn.pending();
    if (!(await flush.together(staged.length + deletedIn.size))) {
      for (const one of staged) {
        if (!(one instanceof StagedFile) || one.options.attributes.link !== undefined) continue;
        await (one.at.fd === undefined ? flush.path(one.at.path) : this.#io.fsync(one.at.fd));
      }
      await flush.directories(deletedIn.keys());
    }
    flush.deletedIn.flushed(deletedIn);
  }

  async publish(requests: readonly PublishRequest[]): Promise<(Published | StorageError)[]> {
    const outcomes: (Published | StorageError)[] = [];
    const parents = new Set<string>();
    for (const { staged, options } of requests) {
      assert(staged instanceof StagedFile, `${this.#o.store}: ${staged.key}: not staged here`);
      try {
        outcomes.push(this.#o.small?.publish(staged, options) ?? (await this.#publishOne(staged, options)));
        parents.add(parentOf(staged.key));
      } catch (error) {
        await this.#remove(staged.at);
        outcomes.push(await this.#toPublishError(error, staged.key));
      }
    }
    if (parents.size > 0) await this.#flushNames(parents);
    return outcomes;
  }

  async #flushNames(parents: ReadonlySet<string>): Promise<void> {
    const { flush, directories, durable } = this.#o;
    const { fresh } = directories;
    if (!durable) return fresh.forget();
    const made = fresh.pending();
    const changed = new Set([...parents, ...made.keys()]);
    if (!(await flush.together(changed.size))) await flush.directories(changed);
    fresh.flushed(made);
  }

  async #publishOne(staged: StagedFile, options: PublishRequest['options']): Promise<Published> {
    const { directories } = this.#o;
    const target = directories.pathOf(staged.key);
    await directories.makeParent(staged.key);
    const mark = options.mark ?? staged.options.mark;
    const marked = staged.marked || (await this.#markLate(staged, mark));
    if (options.ifToken !== undefined && (await this.#tokenAt(target)) !== options.ifToken) {
      throw new StorageError(
        'precondition-failed',
        { store: this.#o.store, key: staged.key },
        'the file is another than expected',
      );
    }
    try {
      await this.#move(staged.at, target, options.ifAbsent === true);
    } catch (error) {
      if (isMissing(error)) {
        directories.forget();
        this.#o.staging.mayMakeAgain();
        await directories.makeParent(staged.key);
      } else if (!(await directories.removeEmpty(staged.key))) throw error;
      await this.#move(staged.at, target, options.ifAbsent === true);
    }
    if (staged.at.fd !== undefined) await this.#o.unnamed.close(staged.at.fd);
    if (!marked) {
      const bytes = encodeFileMark(mark, staged.options.attributes);
      const { sidecars, staging } = this.#o;
      await staging.within(() => sidecars.write(staged.key, staged.token, bytes, staging.nextPath()));
    }
    return { token: staged.token, verification: 'written' };
  }

  async #tokenAt(path: string): Promise<string | undefined> {
    try {
      const stats = await this.#io.lstat(path);
      // The token a listing gives is of what a followed link leads to; what is replaced is the link.
      if (stats.kind !== 'link' || !followsFiles(this.#o.symlinks)) return stats.token;
      if (this.#o.symlinks === 'follow') return (await this.#io.stat(path)).token;
      return (await this.#o.directories.followToFile(path))?.token ?? stats.token;
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async #markLate(staged: StagedFile, mark: Mark): Promise<boolean> {
    if (staged.options.attributes.link !== undefined) return false;
    const { mode = 0o200 } = staged.options.attributes;
    const fd = staged.at.fd ?? (await this.#io.open(staged.at.path, fs.constants.O_RDONLY));
    try {
      if ((mode & 0o200) === 0) await this.#io.chmod(fd, mode | 0o200);
      const marked = this.#mark(staged.key, fd, mark, staged.options);
      if ((mode & 0o200) === 0) await this.#io.chmod(fd, mode);
      return marked;
    } finally {
      if (staged.at.fd === undefined) await this.#io.close(fd);
    }
  }

  async #move(from: Whereabouts, to: string, ifAbsent: boolean): Promise<void> {
    if (from.fd !== undefined) return this.#name(from.fd, to, ifAbsent);
    if (!ifAbsent) return this.#io.rename(from.path, to);
    const result = this.#o.native?.renameNoReplace(from.path, to) ?? -ENOSYS;
    if (result === 0) return;
    if (result !== -EINVAL && result !== -ENOSYS) throw systemError('rename', result);
    await this.#io.link(from.path, to);
    await this.#io.unlink(from.path);
  }

  /** A first name is never one that is taken: to replace a file it is moved over it. */
  async #name(fd: number, to: string, ifAbsent: boolean): Promise<void> {
    const first = ifAbsent ? to : this.#o.staging.nextPath();
    const result = this.#o.unnamed.link(fd, first);
    if (result < 0) throw systemError('link', result);
    if (ifAbsent) return;
    try {
      await this.#io.rename(first, to);
    } catch (error) {
      await this.#remove({ path: first, fd: undefined });
      throw error;
    }
  }

  async #toPublishError(error: unknown, key: string): Promise<StorageError> {
    if (error instanceof StorageError) return error;
    const taken = errorCodeOf(error) === 'EEXIST' ? await this.#directoryAt(key) : undefined;
    if (taken === undefined && !isBlockedByDirectory(error)) return this.#o.toError(error, key);
    const why = `${taken ?? 'a directory'} lies where the file must be`;
    return new StorageError('blocked', { store: this.#o.store, key }, why, error);
  }

  /** What no look for a file shows, and has its name all the same. */
  async #directoryAt(key: string): Promise<string | undefined> {
    const path = this.#o.directories.pathOf(key);
    try {
      const isLink = (await this.#io.lstat(path)).kind === 'link';
      if ((await this.#io.stat(path)).kind !== 'directory') return undefined;
      return isLink ? 'a symbolic link to a directory' : 'a directory';
    } catch {
      return undefined;
    }
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) if (one instanceof StagedFile) await this.#remove(one.at);
  }

  async #remove({ path, fd }: Whereabouts): Promise<void> {
    try {
      await (fd === undefined ? this.#io.unlink(path) : this.#o.unnamed.close(fd));
    } catch {
      // Published, or gone with its directory: nothing is left.
    }
  }

  async close(): Promise<void> {
    await this.#o.unnamed.closeAll();
    this.#o.staging.dispose();
  }
}
