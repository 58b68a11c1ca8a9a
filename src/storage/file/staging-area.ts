import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import { isProcessAlive } from '../store-lease.ts';
import { isMissing } from './file-errors.ts';
import type { FileIo } from './file-io.ts';
import { isOwnDirectory, makeOwnDirectory } from './own-directory.ts';

/** On another host nothing is known of a writer; what it did not touch for so long is left behind. */
const FOREIGN_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * Where a writer's bytes lie before they have a key: `.pando/staging/<host>.<process>.<random>/<n>`. Names are short and do not
 * depend on the key, so a component of 255 bytes is no trouble. The directory is made with the first name asked for, the root never:
 * one that is gone (a disk that is not mounted) must not come back as an empty directory.
 */
export class StagingArea {
  readonly #store: string;
  readonly #root: string;
  readonly #parent: string;
  readonly #directory: string;
  readonly #writer =
    `${encodeURIComponent(hostname()).replaceAll('.', '%2e')}.${process.pid}.${randomBytes(6).toString('hex')}`;
  #count = 0;
  /** The root this writer's directory was made in; undefined: it is yet to be made. */
  #madeIn: string | undefined;

  constructor(store: string, root: string) {
    this.#store = store;
    this.#root = root;
    this.#parent = `${root}/.pando/staging`;
    this.#directory = `${this.#parent}/${this.#writer}`;
  }

  nextPath(): string {
    return `${this.directory()}/${++this.#count}`;
  }

  /** This writer's own, made when it is first asked for. */
  directory(): string {
    const path = this.#directory;
    if (this.#madeIn === undefined) {
      const root = this.#identifyRoot();
      makeOwnDirectory(path, { store: this.#store, levels: 3, mode: 0o700 });
      this.#madeIn = root;
    }
    return path;
  }

  /** Where all that was missing is this writer's directory, it is made again and the same done once more. */
  async within<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isMissing(error) || !this.mayMakeAgain()) throw error;
      return act();
    }
  }

  /**
   * After something in the directory was not found: whether it is worth another try, because the root is still the same and the
   * directory can be made again (another host's sync may have taken a writer that was long silent for dead). In another
   * root nothing is made: the disk may not be mounted.
   */
  mayMakeAgain(): boolean {
    if (this.#madeIn === undefined || this.#madeIn !== this.#identifyRoot()) return false;
    this.#madeIn = undefined;
    return true;
  }

  #identifyRoot(): string {
    const { dev, ino } = fs.statSync(this.#root);
    return `${dev}:${ino}`;
  }

  /** Whatever this writer still had staged is nobody's now. */
  dispose(): void {
    if (this.#madeIn === undefined) return;
    fs.rmSync(this.#directory, { recursive: true, force: true });
    this.#madeIn = undefined;
  }

  /** Removes what writers left behind that no longer live; gives the number of files. */
  async clean(io: FileIo): Promise<number> {
    let count = 0;
    for (const path of [`${this.#root}/.pando`, this.#parent]) if (!isOwnDirectory(path, this.#store)) return 0;
    for (const writer of await readNames(io, this.#parent)) {
      const directory = `${this.#parent}/${writer}`;
      if (writer === this.#writer || (await this.#mayLive(io, writer, directory))) continue;
      count += (await readNames(io, directory)).length;
      // Whatever lies in it, and also when another cleans up beside us.
      fs.rmSync(directory, { recursive: true, force: true });
    }
    return count;
  }

  async #mayLive(io: FileIo, writer: string, directory: string): Promise<boolean> {
    const [host, pid] = writer.split('.');
    if (host === this.#writer.split('.')[0])
      return isProcessAlive({ host: hostname(), pid: Number(pid), startedMs: 0 });
    const touchedMs = (await io.lstat(directory)).seconds * 1000;
    return Date.now() - touchedMs < FOREIGN_AGE_MS;
  }
}

async function readNames(io: FileIo, directory: string): Promise<string[]> {
  try {
    return await io.readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
