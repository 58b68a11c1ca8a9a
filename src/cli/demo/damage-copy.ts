import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, utimesSync, writeSync } from 'node:fs';
import { join, relative } from 'node:path';

export interface DamagedCopy {
  readonly name: string;
  readonly path: string;
  readonly position: number;
  readonly was: string;
  readonly is: string;
  /** What the object should hash to, by the copy at another root. */
  hashOf(root: string): string;
}

/** Flips one byte of one file below `root` and puts its time back, so that no listing shows it. Undefined: there is no such file. */
export function damageCopy(root: string): DamagedCopy | undefined {
  const path = chooseFile(root);
  if (path === undefined) return undefined;
  const { size, atimeMs, mtimeMs } = statSync(path);
  const position = Math.floor(size / 2);
  const byte = Buffer.alloc(1);
  const file = openSync(path, 'r+');
  try {
    readSync(file, byte, 0, 1, position);
    const was = hex(byte);
    byte[0] = (byte[0] ?? 0) ^ 0x40;
    writeSync(file, byte, 0, 1, position);
    const name = relative(root, path);
    const hashOf = (other: string): string =>
      createHash('sha256')
        .update(readFileSync(join(other, name)))
        .digest('hex');
    return { name, path, position, was, is: hex(byte), hashOf };
  } finally {
    closeSync(file);
    utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
  }
}

/** A README if there is one, as everybody knows it; else the first file that has bytes and is not large. */
function chooseFile(root: string): string | undefined {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !relative(root, path).startsWith('.pando/') && isSuitable(path))
    .sort();
  const isHidden = (path: string): boolean =>
    relative(root, path)
      .split('/')
      .some((part) => part.startsWith('.'));
  return (
    files.find((path) => /^README/i.test(relative(root, path))) ?? files.find((path) => !isHidden(path)) ?? files[0]
  );
}

function isSuitable(path: string): boolean {
  const { size } = statSync(path);
  return size > 0 && size <= 1_000_000;
}

function hex(byte: Uint8Array): string {
  return `0x${Buffer.from(byte).toString('hex')}`;
}
