import fs, { type Dirent, type Stats } from 'node:fs';
import path from 'node:path';
import {
  compareKeys,
  escapeBytes,
  escapeKey,
  findStoredKeyProblem,
  RESERVED_DIRECTORY,
} from '../../domain/object/key.ts';
import { type ListingFailure, StorageError } from '../../ports/storage.ts';
import { errorCodeOf, isMissing, toStorageError } from './file-errors.ts';
import { FileLooker } from './file-looker.ts';
import { type FileKind, type FileStatus, toFileStatus } from './file-status.ts';
import { ColumnsBuilder, type ListingColumns } from './listing-columns.ts';

/**
 * What becomes of symbolic links (docs/replicas.md, "Symbolic links"): followed where they stay inside the root, left out, or
 * kept as links. `follow-files` is how a target is seen where the source's are followed: a link that leads to no file inside the root
 * is one entry there, a link.
 */
export type SymlinkMode = 'follow' | 'follow-files' | 'skip' | 'preserve';

export function followsFiles(mode: SymlinkMode): boolean {
  return mode === 'follow' || mode === 'follow-files';
}

export interface WalkOptions {
  readonly root: string;
  readonly store: string;
  readonly prefix: string;
  readonly startAfter: string | undefined;
  readonly symlinks: SymlinkMode;
}

/**
 * A page with so many ends with the directory it is in, if that ends in time: two listings of which one has a file more are cut alike
 * again from the next page on, and so can be compared page by page.
 */
const PAGE_OBJECTS = 1024;
const PAGE_OBJECTS_MAX = 2048;

/**
 * All files below a root, in the byte order of their keys, as pages; blocking, so it runs in a thread of its own. Names are
 * read as bytes (one Latin-1 character each: their order is the order of the bytes, and ASCII needs no decoding); one that is
 * not UTF-8 is a failure that protects its subtree. What vanishes while the walk looks is left out; what cannot be looked at
 * is a failure, never an absence.
 */
export function* walk(options: WalkOptions): Generator<ListingColumns> {
  const walker = new Walker(options);
  yield* walker.pages();
}

interface Directory {
  /** '' or ends with '/'. */
  readonly prefix: string;
  readonly path: string;
  /** Real paths of the directories above, to see a cycle of links. */
  readonly above: readonly string[] | undefined;
}

interface Entry {
  /** Latin-1 of the bytes. */
  readonly raw: string;
  readonly kind: FileKind;
}

interface Entries {
  /** Latin-1 of the bytes, in order; ends with '/' for a directory, or a link to one: its place in the order. */
  readonly order: readonly string[];
  /** By its place in the order, all but files whose name is as good as a key: of those there is nothing more to know. */
  readonly special: ReadonlyMap<string, Entry>;
}

const NONE: Entries = { order: [], special: new Map() };

class Walker {
  readonly #page = new ColumnsBuilder(PAGE_OBJECTS_MAX);
  readonly #options: WalkOptions;
  readonly #looker = new FileLooker();
  #realRoot: string | undefined;

  constructor(options: WalkOptions) {
    this.#options = options;
  }

  *pages(): Generator<ListingColumns> {
    const { root, store, prefix } = this.#options;
    const stats = fs.statSync(root, { throwIfNoEntry: false });
    if (stats === undefined) {
      const why = `the directory ${root} does not exist: mount the disk it lies on, or make it`;
      throw new StorageError('not-found', { store }, why);
    }
    if (!stats.isDirectory()) throw new StorageError('not-found', { store }, `${root} is not a directory`);
    try {
      yield* this.#walkBelow(root, prefix);
    } finally {
      this.#looker.close();
    }
    // A tree that was removed or unmounted under the walk looks shorter, not broken.
    const after = fs.statSync(root, { throwIfNoEntry: false });
    if (after?.ino !== stats.ino || after.dev !== stats.dev)
      throw new StorageError('unavailable', { store }, `the directory ${root} went away while it was listed`);
  }

  *#walkBelow(root: string, prefix: string): Generator<ListingColumns> {
    const start = prefix.slice(0, prefix.lastIndexOf('/') + 1);
    if (start !== '' && !this.#isListed(root, start)) return;
    yield* this.#walkDirectory({ prefix: start, path: start === '' ? root : path.join(root, start), above: undefined });
    if (!this.#page.isEmpty) yield this.#page.take();
  }

  /** Whether a directory (it ends with '/') is one that the walk of the whole root would come to. */
  #isListed(root: string, start: string): boolean {
    const stat = this.#options.symlinks === 'follow' ? fs.statSync : fs.lstatSync;
    for (let end = start.indexOf('/'); end >= 0; end = start.indexOf('/', end + 1)) {
      const stats = stat(path.join(root, start.slice(0, end)), { throwIfNoEntry: false });
      if (stats?.isDirectory() !== true) return false;
    }
    return true;
  }

  *#walkDirectory(directory: Directory): Generator<ListingColumns> {
    const { order, special } = this.#readEntries(directory);
    for (const place of order) {
      const entry = special.get(place);
      if (entry === undefined) {
        this.#addFile(directory.prefix + place, directory.path, place);
        if (this.#page.isFull) yield this.#page.take();
        continue;
      }
      const name = this.#decode(directory, entry);
      if (name === undefined) continue;
      const key = directory.prefix + name;
      if (entry.kind === 'directory') {
        if (this.#mayHold(`${key}/`))
          yield* this.#walkDirectory({ prefix: `${key}/`, path: `${directory.path}/${name}`, above: directory.above });
      } else if (entry.kind === 'file') this.#addFile(key, directory.path, name);
      else if (entry.kind === 'link') yield* this.#walkLink(directory, key, name);
      else if (this.#isWanted(key))
        this.#fail(key, key, 'special-file', 'it is neither a file, a directory nor a link');
      if (this.#page.isFull) yield this.#page.take();
    }
    if (this.#page.objects >= PAGE_OBJECTS) yield this.#page.take();
  }

  #readEntries(directory: Directory): Entries {
    let named: readonly (Dirent | Named)[];
    try {
      named = readNamed(directory.path);
    } catch (error) {
      const { kind, message } = toStorageError(error, this.#options.store);
      if (isMissing(error) && directory.prefix !== '') return NONE;
      if (directory.prefix === '') throw toStorageError(error, this.#options.store);
      this.#fail(directory.prefix, directory.prefix, kind === 'denied' ? 'denied' : 'unavailable', message);
      return NONE;
    }
    const order: string[] = [];
    const special = new Map<string, Entry>();
    const plainLength = PLAIN_KEY_LENGTH - directory.prefix.length;
    for (const one of named) {
      const raw = one.name;
      if (directory.prefix === '' && raw === RESERVED_DIRECTORY) continue;
      if (one.isFile() && raw.length <= plainLength && isPlain(raw)) {
        order.push(raw);
        continue;
      }
      const kind = kindOf(one);
      const holdsKeys = kind === 'directory' || (kind === 'link' && this.#isFollowedDirectory(directory, raw));
      const place = holdsKeys ? `${raw}/` : raw;
      order.push(place);
      special.set(place, { raw, kind });
    }
    // By UTF-16 units, which of Latin-1 are the bytes.
    return { order: order.sort(), special };
  }

  #isFollowedDirectory(directory: Directory, latin1: string): boolean {
    if (this.#options.symlinks !== 'follow') return false;
    const linkPath = Buffer.concat([Buffer.from(`${directory.path}/`), Buffer.from(latin1, 'latin1')]);
    try {
      return fs.statSync(linkPath).isDirectory();
    } catch {
      return false;
    }
  }

  /** The name as text; a name that cannot be part of a key is recorded as failed. */
  #decode(directory: Directory, entry: Entry): string | undefined {
    const { raw } = entry;
    let name = raw;
    if (BEYOND_ASCII.test(raw)) {
      const bytes = Buffer.from(raw, 'latin1');
      const text = bytes.toString('utf8');
      if (!Buffer.from(text, 'utf8').equals(bytes)) {
        const shown = escapeKey(directory.prefix) + escapeBytes(bytes);
        this.#page.failures.push({
          shown,
          protects: directory.prefix,
          kind: 'not-utf8',
          message: `${shown}: the name is not UTF-8`,
        });
        return undefined;
      }
      name = text;
    }
    if (!isPlain(raw) || directory.prefix.length + name.length > PLAIN_KEY_LENGTH) {
      const problem = findStoredKeyProblem(directory.prefix + name);
      if (problem !== undefined) {
        this.#fail(
          directory.prefix + name,
          directory.prefix + name + (entry.kind === 'directory' ? '/' : ''),
          'invalid-key',
          problem,
        );
        return undefined;
      }
    }
    return name;
  }

  #addFile(key: string, directory: string, name: string): void {
    if (!this.#isWanted(key)) return;
    try {
      const status = this.#looker.look(directory, name);
      if (status === undefined) return;
      if (status.kind === 'file' || status.kind === 'link') this.#page.add(key, status);
      else this.#fail(key, `${key}/`, 'unavailable', 'it became something else than a file while it was looked at');
    } catch (error) {
      const { kind, message } = toStorageError(error, this.#options.store, key);
      this.#fail(key, key, kind === 'denied' ? 'denied' : 'unavailable', message);
    }
  }

  *#walkLink(directory: Directory, key: string, name: string): Generator<ListingColumns> {
    if (this.#options.symlinks === 'skip') return;
    if (this.#options.symlinks === 'preserve') return this.#addFile(key, directory.path, name);
    const linkPath = `${directory.path}/${name}`;
    const target = this.#resolveLink(linkPath);
    if (typeof target === 'object' && target.status.kind === 'file') {
      if (this.#isWanted(key)) this.#page.add(key, target.status);
    } else if (this.#options.symlinks === 'follow-files') {
      this.#addFile(key, directory.path, name);
    } else if (typeof target === 'string') {
      this.#fail(key, `${key}/`, 'symlink', target);
    } else if (target.status.kind === 'directory') {
      const above = directory.above ?? [fs.realpathSync.native(directory.path)];
      if (above.some((one) => one === target.path || one.startsWith(`${target.path}/`))) {
        this.#fail(key, `${key}/`, 'symlink', 'the link leads back to a directory above it');
      } else if (this.#mayHold(`${key}/`)) {
        yield* this.#walkDirectory({ prefix: `${key}/`, path: linkPath, above: [...above, target.path] });
      }
    } else this.#fail(key, key, 'special-file', 'the link leads to something that is neither a file nor a directory');
  }

  /** What a link leads to, or why it is not followed. */
  #resolveLink(linkPath: string): { path: string; status: FileStatus } | string {
    try {
      this.#realRoot ??= fs.realpathSync.native(this.#options.root);
      const target = fs.realpathSync.native(linkPath);
      if (target !== this.#realRoot && !target.startsWith(this.#realRoot === '/' ? '/' : `${this.#realRoot}/`))
        return 'the link leaves the root';
      return { path: target, status: toFileStatus(fs.statSync(target, { bigint: true })) };
    } catch (error) {
      return this.#whyNotFollowed(error);
    }
  }

  #whyNotFollowed(error: unknown): string {
    const code = errorCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'the link leads nowhere';
    if (code === 'ELOOP') return 'the link leads back to itself';
    const { store } = this.#options;
    return `the link cannot be followed: ${toStorageError(error, store).message.slice(store.length + 2)}`;
  }

  #fail(key: string, protects: string, kind: ListingFailure['kind'], why: string): void {
    const shown = escapeKey(key);
    this.#page.failures.push({
      shown,
      protects,
      kind,
      message: why.startsWith(this.#options.store) ? why : `${shown}: ${why}`,
    });
  }

  #isWanted(key: string): boolean {
    const { prefix, startAfter } = this.#options;
    if (prefix === '' && startAfter === undefined) return true;
    return key.startsWith(prefix) && (startAfter === undefined || compareKeys(key, startAfter) > 0);
  }

  /** Whether a directory (its prefix, ending with '/') can hold anything that is wanted. */
  #mayHold(directory: string): boolean {
    const { prefix, startAfter } = this.#options;
    if (!directory.startsWith(prefix) && !prefix.startsWith(directory)) return false;
    return startAfter === undefined || startAfter.startsWith(directory) || compareKeys(directory, startAfter) > 0;
  }
}

/**
 * Where the file system does not say in a directory of what kind its entries are, Node looks at each: by its name as text, which
 * of bytes read as Latin-1 is another one, and what it does not find there, or what vanishes meanwhile, is told as if the
 * whole directory had. Then all are looked at here.
 */
function readNamed(directory: string): readonly (Dirent | Named)[] {
  try {
    return fs.readdirSync(directory, { withFileTypes: true, encoding: 'latin1' });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return fs.readdirSync(directory, { encoding: 'latin1' }).flatMap((name) => {
    const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);
    const stats = fs.lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? [] : [Object.assign(stats, { name })];
  });
}

type Named = Stats & { readonly name: string };

function kindOf(entry: Dirent | Stats): FileKind {
  if (entry.isFile()) return 'file';
  if (entry.isDirectory()) return 'directory';
  return entry.isSymbolicLink() ? 'link' : 'other';
}

const BEYOND_ASCII = /[\u0080-\u00ff]/;
/** Printable ASCII only: such a name is part of a key as it is. A loop, because many names are looked at once, each in a moment. */
function isPlain(latin1: string): boolean {
  let bits = 0;
  // Below a space the difference is negative; from DEL on the sum has a bit beyond the seven.
  for (let at = 0; at < latin1.length; at++) bits |= (latin1.charCodeAt(at) - 0x20) | (latin1.charCodeAt(at) + 1);
  return (bits & ~0x7f) === 0;
}

/** A key of no more characters is short enough, whatever they are. */
const PLAIN_KEY_LENGTH = 255;
