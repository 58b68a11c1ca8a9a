import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { dirname, join } from 'node:path';

/** One file as found: what a mirror keeps of it, and what tells whether it was written again. */
export interface Leaf {
  readonly sha256: string;
  readonly size: number;
  readonly mode: number;
  readonly modifiedNs: bigint;
  readonly inode: bigint;
  readonly changedNs: bigint;
}

/** All files below a directory by their path in Latin-1 (one character a byte), without `.pando`. */
export function readTree(root: string): Map<string, Leaf> {
  const tree = new Map<string, Leaf>();
  const walk = (directory: Buffer, prefix: string): void => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true, encoding: 'buffer' })) {
      const name = prefix + entry.name.toString('latin1');
      if (name === '.pando') continue;
      const path = Buffer.concat([directory, Buffer.from('/'), entry.name]);
      if (entry.isDirectory()) walk(path, `${name}/`);
      else tree.set(name, readLeaf(path));
    }
  };
  walk(Buffer.from(root), '');
  return tree;
}

function readLeaf(path: Buffer): Leaf {
  const stats = fs.lstatSync(path, { bigint: true });
  const content = stats.isFile()
    ? fs.readFileSync(path)
    : Buffer.from(stats.isSymbolicLink() ? fs.readlinkSync(path) : '');
  return {
    sha256: createHash('sha256').update(content).digest('hex'),
    size: Number(stats.size),
    mode: Number(stats.mode),
    modifiedNs: stats.mtimeNs,
    inode: stats.ino,
    changedNs: stats.ctimeNs,
  };
}

/** Bytes, mode and time: what two equal trees agree in. */
export function mirrored(root: string): Record<string, string> {
  return Object.fromEntries(
    [...readTree(root)]
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { sha256, mode, modifiedNs }]) => [name, `${sha256} ${mode.toString(8)} ${modifiedNs}`]),
  );
}

/** Names and texts of small files. */
export function texts(root: string): Record<string, string> {
  return Object.fromEntries(
    [...readTree(root).keys()].toSorted().map((name) => [name, fs.readFileSync(join(root, name), 'utf8')]),
  );
}

/** Everything of a tree that a dry run must leave as it is, directories and `.pando` too. */
export function everything(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { ino, mode, size, mtimeNs, ctimeNs } = fs.lstatSync(path, { bigint: true });
      return `${path} ${ino} ${mode} ${size} ${mtimeNs} ${ctimeNs}`;
    })
    .toSorted();
}

export interface FileOptions {
  readonly mode?: number;
  readonly modifiedMs?: number;
}

/** Writes a file with the directories above it; settled, so that its time is not the one of this moment. */
export function write(root: string, name: string, text: string | Uint8Array, options: FileOptions = {}): string {
  const path = join(root, name);
  fs.mkdirSync(dirname(path), { recursive: true });
  fs.writeFileSync(path, text);
  if (options.mode !== undefined) fs.chmodSync(path, options.mode);
  setTime(path, options.modifiedMs ?? 1_700_000_000_000);
  return path;
}

export function writeAll(root: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) write(root, name, text);
}

export function setTime(path: string, ms: number): void {
  fs.utimesSync(path, ms / 1000, ms / 1000);
}

/** What writers left behind in a store. */
export function leftovers(root: string): string[] {
  const pando = join(root, '.pando');
  if (!fs.existsSync(pando)) return [];
  return fs
    .readdirSync(pando, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(pando.length + 1))
    .filter((name) => !name.startsWith('meta/'));
}
