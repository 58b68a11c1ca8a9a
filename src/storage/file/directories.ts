import path from 'node:path';
import { StorageError } from '../../ports/storage.ts';
import type { FileIo } from './file-io.ts';
import { Unflushed } from './unflushed.ts';

/** Directories remembered as safe; beyond it all are looked at again. Keeps the memory of a huge tree flat. */
const REMEMBERED_MAX = 20_000;
/** So long a directory that was found safe is taken to be; in its place there may be a link out of the store by then. */
const SAFE_MS = 1000;

/**
 * The directories below a root: made when a key needs them, and never left through a symbolic link. A directory found safe is
 * remembered for a moment, so that a tree of a million files asks about once per directory.
 */
export class Directories {
  readonly root: string;
  /** Directories in which others were made or found: their entries must be flushed to stay. */
  readonly fresh = new Unflushed();
  readonly #io: FileIo;
  readonly #store: string;
  readonly #safe = new Set<string>();
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
    const directory = parentOf(key);
    if (directory === '' || this.#isSafe(directory)) return;
    const real = await this.#io.realpath(`${this.root}/${directory}`);
    if (!isInside(real, await this.realRoot())) {
      throw new StorageError(
        'denied',
        { store: this.#store, key },
        'a symbolic link on the way leads out of the store',
      );
    }
    this.#remember(this.#safe, directory);
  }

  /** Refuses what is reached through a directory link: it has another name of its own, under which it may be wanted. */
  async checkDirect(key: string): Promise<void> {
    const directory = parentOf(key);
    if (directory === '') return;
    const real = await this.#io.realpath(`${this.root}/${directory}`);
    if (real === `${await this.realRoot()}/${directory}`) return;
    throw new StorageError('denied', { store: this.#store, key }, 'a symbolic link to a directory is on the way');
  }

  /** Makes the directory of a key; what must be flushed for it to stay is then in `fresh`. */
  async makeParent(key: string): Promise<void> {
    const directory = parentOf(key);
    if (directory === '') return;
    const isMade = this.#made.has(directory);
    if (!isMade) await this.#make(directory);
    await this.checkParent(key);
    if (!isMade) this.#remember(this.#made, directory);
  }

  async #make(directory: string): Promise<void> {
    if (directory === '') throw Object.assign(new Error('the root is gone'), { code: 'ENOENT' });
    try {
      await this.#io.mkdir(`${this.root}/${directory}`);
      this.fresh.note(parentOf(directory));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EEXIST') {
        if ((await this.#io.stat(`${this.root}/${directory}`)).kind === 'directory') return this.#noteFound(directory);
        throw Object.assign(new Error('a file lies where a directory must be'), { code: 'ENOTDIR' });
      }
      if (code !== 'ENOENT') throw error;
      await this.#make(parentOf(directory));
      await this.#make(directory);
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
    }
  }

  #isSafe(directory: string): boolean {
    const nowMs = performance.now();
    if (nowMs >= this.#safeUntilMs) {
      this.#safe.clear();
      this.#safeUntilMs = nowMs + SAFE_MS;
    }
    return this.#safe.has(directory);
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

/** '' for a key at the root. */
export function parentOf(key: string): string {
  const slash = key.lastIndexOf('/');
  return slash < 0 ? '' : key.slice(0, slash);
}

export function isInside(candidate: string, root: string): boolean {
  return candidate === root || candidate.startsWith(root.endsWith(path.sep) ? root : `${root}${path.sep}`);
}
