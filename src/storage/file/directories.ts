import os from 'node:os';
import path from 'node:path';
import { escapeKey } from '../../domain/object/key.ts';
import { StorageError } from '../../ports/storage.ts';
import { errorCodeOf, isMissing, systemError } from './file-errors.ts';
import type { FileIo } from './file-io.ts';
import type { FileStatus } from './file-status.ts';
import { Unflushed } from './unflushed.ts';

/** Directories remembered as safe; beyond it all are looked at again. Keeps the memory of a huge tree flat. */
const REMEMBERED_MAX = 20_000;
/** So long a directory that was found safe is taken to be; in its place there may be a symbolic link by then. */
const SAFE_MS = 1000;

/**
 * The directories below a root: made when a key needs them, and never left through a symbolic link. What is read may lie behind one
 * that stays inside the root; what is written never does, because it has another name of its own there. A directory found safe is
 * remembered for a moment, so that a tree of a million files asks about once per directory.
 */
export class Directories {
  readonly root: string;
  /** Directories in which others were made or found: their entries must be flushed to stay. */
  readonly fresh = new Unflushed();
  readonly #io: FileIo;
  readonly #store: string;
  /** Inside the root in truth. */
  readonly #safe = new Set<string>();
  /** … and reached through no link. */
  readonly #direct = new Set<string>();
  readonly #made = new Set<string>();
  #safeUntilMs = 0;
  #realRoot: string | undefined;

  constructor(options: { root: string; io: FileIo; store: string }) {
    this.root = options.root;
    this.#io = options.io;
    this.#store = options.store;
  }

  pathOf(key: string): string {
    return `${this.root}/${key}`;
  }

  /** Makes sure the directory of a key is inside the root in truth; missing ones are safe. */
  async checkParent(key: string): Promise<void> {
    if (this.isKnownSafe(key)) return;
    const directory = parentOf(key);
    const real = await this.#io.realpath(`${this.root}/${directory}`);
    if (!isInside(real, await this.realRoot())) {
      const why = 'a symbolic link on the way leads out of the store';
      throw new StorageError('denied', { store: this.#store, key }, why);
    }
    this.#remember(this.#safe, directory);
  }

  /** `checkParent` has found it so a moment ago. */
  isKnownSafe(key: string): boolean {
    const directory = parentOf(key);
    return directory === '' || this.#isRemembered(this.#safe, directory);
  }

  /** `isDirect` has. */
  isKnownDirect(key: string): boolean {
    const directory = parentOf(key);
    return directory === '' || this.#isRemembered(this.#direct, directory);
  }

  /** `makeParent` would have nothing to do. */
  isKnownMade(key: string): boolean {
    const directory = parentOf(key);
    return directory === '' || (this.#made.has(directory) && this.#isRemembered(this.#direct, directory));
  }

  /** Whether no symbolic link is on the way to a key. Fails where its directory is missing. */
  async isDirect(key: string): Promise<boolean> {
    const directory = parentOf(key);
    return directory === '' || (await this.#linkTo(directory)) === undefined;
  }

  /** Refuses what is reached through a directory link: it has another name of its own, under which it may be wanted. */
  async checkDirect(key: string): Promise<void> {
    const directory = parentOf(key);
    const link = directory === '' ? undefined : await this.#findLink(directory);
    if (link !== undefined) throw this.#refuse(link, key);
  }

  /** Makes the directory of a key, through no link; what must be flushed for it to stay is then in `fresh`. */
  async makeParent(key: string): Promise<void> {
    if (this.isKnownMade(key)) return;
    const directory = parentOf(key);
    const isMade = this.#made.has(directory);
    try {
      if (!isMade) await this.#make(directory, key);
      await this.#demandDirect(directory, key);
    } catch (error) {
      // Somebody has removed what was made before.
      if (isMade && errorCodeOf(error) === 'ENOENT') {
        this.forget();
        return this.makeParent(key);
      }
      const link = errorCodeOf(error) === 'ELOOP' ? await this.#firstLink(directory) : undefined;
      if (link !== undefined) throw this.#refuse(link, key);
      if (errorCodeOf(error) !== 'ENOTDIR') throw error;
      const why = `a file lies where a directory must be: ${escapeKey(await this.#findFile(directory))}`;
      throw new StorageError('blocked', { store: this.#store, key }, why, error);
    }
    this.#remember(this.#made, directory);
  }

  /** Where what is above it is direct, so is what is made in it: that it is a link need not be asked then. */
  async #make(directory: string, key: string): Promise<void> {
    if (directory === '') throw Object.assign(new Error('the root is gone'), { code: 'ENOENT' });
    const parent = parentOf(directory);
    try {
      if (parent !== '') await this.#demandDirect(parent, key);
      await this.#io.mkdir(`${this.root}/${directory}`);
      this.fresh.note(parent);
      this.#remember(this.#direct, directory);
    } catch (error) {
      const code = errorCodeOf(error);
      if (code === 'EEXIST') {
        const { kind } = await this.#io.lstat(`${this.root}/${directory}`);
        if (kind === 'link') throw this.#refuse(directory, key);
        if (kind !== 'directory') throw systemError('mkdir', -os.constants.errno.ENOTDIR);
        this.#remember(this.#direct, directory);
        return this.#noteFound(directory);
      }
      if (code !== 'ENOENT') throw error;
      await this.#make(parent, key);
      await this.#make(directory, key);
    }
  }

  async #demandDirect(directory: string, key: string): Promise<void> {
    const link = await this.#linkTo(directory);
    if (link !== undefined) throw this.#refuse(link, key);
  }

  async #linkTo(directory: string): Promise<string | undefined> {
    if (this.#isRemembered(this.#direct, directory)) return undefined;
    const link = await this.#findLink(directory);
    if (link === undefined) this.#remember(this.#direct, directory);
    return link;
  }

  /** The first link on the way to a directory. A file system that takes several spellings of a name gives back only one of them. */
  async #findLink(directory: string): Promise<string | undefined> {
    const root = await this.realRoot();
    const real = await this.#io.realpath(`${this.root}/${directory}`);
    if (real === `${root === '/' ? '' : root}/${directory}`) return undefined;
    return this.#firstLink(directory);
  }

  async #firstLink(directory: string): Promise<string | undefined> {
    for (const one of partsOf(directory)) if ((await this.#io.lstat(`${this.root}/${one}`)).kind === 'link') return one;
    return undefined;
  }

  /** What is no directory on the way to one. */
  async #findFile(directory: string): Promise<string> {
    for (const one of partsOf(directory))
      if ((await this.#io.lstat(`${this.root}/${one}`)).kind !== 'directory') return one;
    return directory;
  }

  /** Wherever it leads: what it leads to is not looked at. */
  #refuse(link: string, key: string): StorageError {
    const why = `a symbolic link to a directory is on the way: ${escapeKey(link)}`;
    return new StorageError('blocked', { store: this.#store, key }, why);
  }

  /** The file inside the root that a link leads to; undefined: it leads to a directory, out of the root, or nowhere. */
  async followToFile(path: string): Promise<FileStatus | undefined> {
    try {
      const real = await this.#io.realpath(path);
      if (!isInside(real, await this.realRoot())) return undefined;
      const status = await this.#io.lstat(real);
      return status.kind === 'file' ? status : undefined;
    } catch (error) {
      if (isMissing(error) || errorCodeOf(error) === 'ELOOP') return undefined;
      throw error;
    }
  }

  /** Whoever made it may not have flushed it yet, nor those above it. */
  #noteFound(directory: string): void {
    for (let found = directory; found !== '' && !this.#made.has(found); found = parentOf(found))
      this.fresh.note(parentOf(found));
  }

  /** After a directory vanished under us: nothing is taken for made any more. */
  forget(): void {
    this.#made.clear();
    this.#safe.clear();
    this.#direct.clear();
  }

  /** An empty directory is nothing that could be in the way. False where there is none of this name. */
  async removeEmpty(directory: string): Promise<boolean> {
    try {
      await this.#io.rmdir(`${this.root}/${directory}`);
    } catch {
      return false;
    }
    this.forget();
    return true;
  }

  /** Removes directories that a delete left empty, upwards, never the root. */
  async removeEmptyAbove(key: string): Promise<void> {
    for (let directory = parentOf(key); directory !== ''; directory = parentOf(directory)) {
      try {
        await this.#io.rmdir(`${this.root}/${directory}`);
      } catch {
        return;
      }
      this.#made.delete(directory);
      this.#safe.delete(directory);
      this.#direct.delete(directory);
    }
  }

  #isRemembered(set: ReadonlySet<string>, directory: string): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#safeUntilMs) {
      this.#safe.clear();
      this.#direct.clear();
      this.#safeUntilMs = nowMs + SAFE_MS;
    }
    return set.has(directory);
  }

  async realRoot(): Promise<string> {
    this.#realRoot ??= await this.#io.realpath(this.root);
    return this.#realRoot;
  }

  #remember(set: Set<string>, directory: string): void {
    if (set.size >= REMEMBERED_MAX) set.clear();
    set.add(directory);
  }
}

/** A directory and those above it, from the root on. */
function* partsOf(directory: string): Generator<string> {
  for (let end = directory.indexOf('/'); end >= 0; end = directory.indexOf('/', end + 1)) yield directory.slice(0, end);
  yield directory;
}

/** Keys come in the order of their names: most have the directory of the one before, and its text, once looked up by, is found fast. */
let parentLast = '';

/** '' for a key at the root. */
export function parentOf(key: string): string {
  const slash = key.lastIndexOf('/');
  if (slash < 0) return '';
  if (slash !== parentLast.length || !key.startsWith(parentLast)) parentLast = key.slice(0, slash);
  return parentLast;
}

export function isInside(candidate: string, root: string): boolean {
  return candidate === root || candidate.startsWith(root.endsWith(path.sep) ? root : `${root}${path.sep}`);
}
