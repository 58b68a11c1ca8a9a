import {
  compareKeys,
  DARK_DIRECTORY,
  escapeBytes,
  escapeKey,
  findStoredKeyProblem,
  isReserved,
} from '../domain/object/key.ts';
import {
  type Listed,
  type ListingFailure,
  type ListingPage,
  type ListOptions,
  StorageError,
} from '../ports/storage.ts';
import { checkKey } from './check-key.ts';

/** One name in a directory of a store that is asked for one directory at a time. */
export interface TreeEntry {
  /** Bytes where they are no UTF-8. */
  readonly name: string | Uint8Array;
  readonly kind: 'file' | 'directory' | 'symlink' | 'special-file';
  readonly size: number;
  readonly token: string;
  readonly modifiedNs: bigint | undefined;
}

export interface Tree {
  readonly store: string;
  /** What a link is to this store; undefined: they are left out without a word. */
  readonly linkMessage: string | undefined;
  /** `directory` is '' or ends with '/'. Undefined: there is no such directory. */
  read(directory: string, signal: AbortSignal | undefined): Promise<readonly TreeEntry[] | undefined>;
}

const PAGE_OBJECTS = 1024;
/** Directories that are asked for before their turn, on each level: a store far away answers many as soon as one. */
const DIRECTORIES_AHEAD = 4;

/**
 * All objects of a tree in the byte order of their keys. Held at a time are the entries of one directory a level, and of the few that
 * are read ahead. A directory that may not be read is a failure that protects its subtree; one that breaks ends the listing.
 */
export async function* listTree(tree: Tree, prefix: string, options: ListOptions): AsyncGenerator<ListingPage> {
  const above = prefix.slice(0, Math.max(0, prefix.lastIndexOf('/')));
  const isAside = prefix.startsWith(DARK_DIRECTORY);
  if (isReserved(above) && !isAside) return;
  if ((above !== '' || prefix.startsWith('/')) && `${above}/` !== DARK_DIRECTORY) checkKey(tree.store, above);
  const lister = new TreeLister(tree, prefix, options);
  yield* lister.pages(above === '' ? '' : `${above}/`);
}

interface Sorted extends TreeEntry {
  readonly name: string;
  /** With '/' behind a directory: its place in the order. */
  readonly sort: string;
}

class TreeLister {
  readonly #tree: Tree;
  readonly #prefix: string;
  readonly #startAfter: string | undefined;
  readonly #signal: AbortSignal | undefined;
  #objects: Listed[] = [];
  #failures: ListingFailure[] = [];

  constructor(tree: Tree, prefix: string, { startAfter, signal }: ListOptions) {
    this.#tree = tree;
    this.#prefix = prefix;
    this.#startAfter = startAfter;
    this.#signal = signal;
  }

  async *pages(start: string): AsyncGenerator<ListingPage> {
    const entries = await this.#read(start);
    if (entries === undefined) {
      if (start === '' || (await this.#read('')) === undefined) throw this.#rootIsGone('not-found');
      return;
    }
    yield* this.#walk(start, entries);
    if (this.#objects.length > 0 || this.#failures.length > 0) yield this.#takePage();
    // A tree that went away under the walk looks shorter, not broken.
    if ((await this.#read('')) === undefined) throw this.#rootIsGone('unavailable');
  }

  async *#walk(directory: string, found: readonly TreeEntry[]): AsyncGenerator<ListingPage> {
    const entries = this.#sort(directory, found);
    const ahead = new Map<Sorted, Promise<readonly TreeEntry[] | undefined>>();
    let next = 0;
    for (const [i, entry] of entries.entries()) {
      const key = directory + entry.name;
      if (entry.kind === 'directory') {
        for (next = Math.max(next, i); ahead.size < DIRECTORIES_AHEAD && next < entries.length; next++) {
          const one = entries[next] as Sorted;
          if (one.kind !== 'directory' || !this.#mayHold(directory + one.sort)) continue;
          const reading = this.#read(directory + one.sort);
          reading.catch(() => undefined);
          ahead.set(one, reading);
        }
        const reading = ahead.get(entry);
        ahead.delete(entry);
        const below = await reading;
        if (below !== undefined) yield* this.#walk(`${key}/`, below);
      } else this.#add(key, entry);
      if (this.#objects.length + this.#failures.length >= PAGE_OBJECTS) yield this.#takePage();
    }
  }

  async #read(directory: string): Promise<readonly TreeEntry[] | undefined> {
    if (this.#signal?.aborted === true)
      throw new StorageError('aborted', { store: this.#tree.store }, 'the listing was stopped', this.#signal.reason);
    try {
      return await this.#tree.read(directory, this.#signal);
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'denied' || directory === '') throw error;
      this.#fail(directory.slice(0, -1), directory, 'denied', 'it may not be read');
      return undefined;
    }
  }

  /** What can be part of a key, in order; the rest has failed. */
  #sort(directory: string, entries: readonly TreeEntry[]): Sorted[] {
    const sorted: Sorted[] = [];
    for (const entry of entries) {
      const { name } = entry;
      if (typeof name !== 'string') {
        const shown = escapeKey(directory) + escapeBytes(name);
        this.#failures.push({
          shown,
          protects: directory,
          kind: 'not-utf8',
          message: `${shown}: the name is not UTF-8`,
        });
        continue;
      }
      const key = directory + name;
      if (isReserved(key) && !key.startsWith(DARK_DIRECTORY)) continue;
      const end = entry.kind === 'directory' ? '/' : '';
      const problem = findStoredKeyProblem(key);
      if (problem === undefined) sorted.push({ ...entry, name, sort: name + end });
      else this.#fail(key, key + end, 'invalid-key', problem);
    }
    return sorted.sort((a, b) => compareKeys(a.sort, b.sort));
  }

  #add(key: string, { kind, size, token, modifiedNs }: Sorted): void {
    if (!key.startsWith(this.#prefix)) return;
    if (this.#startAfter !== undefined && compareKeys(key, this.#startAfter) <= 0) return;
    if (kind === 'file') this.#objects.push({ key, size, token, modifiedNs });
    else if (kind === 'special-file')
      this.#fail(key, key, 'special-file', 'it is neither a file, a directory nor a link');
    else if (this.#tree.linkMessage !== undefined) this.#fail(key, `${key}/`, 'symlink', this.#tree.linkMessage);
  }

  #fail(key: string, protects: string, kind: ListingFailure['kind'], why: string): void {
    const shown = escapeKey(key);
    this.#failures.push({ shown, protects, kind, message: `${shown}: ${why}` });
  }

  #takePage(): ListingPage {
    const page = { objects: this.#objects, failures: this.#failures, markers: 0 };
    this.#objects = [];
    this.#failures = [];
    return page;
  }

  /** Whether a directory (ending with '/') can hold anything that is wanted. */
  #mayHold(directory: string): boolean {
    if (!directory.startsWith(this.#prefix) && !this.#prefix.startsWith(directory)) return false;
    return (
      this.#startAfter === undefined ||
      this.#startAfter.startsWith(directory) ||
      compareKeys(directory, this.#startAfter) > 0
    );
  }

  #rootIsGone(kind: 'not-found' | 'unavailable'): StorageError {
    return new StorageError(kind, { store: this.#tree.store }, 'its directory does not exist: make it');
  }
}
