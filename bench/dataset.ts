import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { listTree } from './tree.ts';

/** Files of one size, 100 to a directory, with bytes that no file system can compress or share. */
export interface Dataset {
  readonly files: number;
  readonly fileBytes: number;
}

const KiB = 1024;
const MiB = 1024 * KiB;
const chunkBytesMax = 4 * MiB;
const filesPerDirectory = 100;

export function describeDataset({ files, fileBytes }: Dataset): string {
  return `${files.toLocaleString('en')} × ${formatBytes(fileBytes)}`;
}

export function formatBytes(bytes: number): string {
  if (bytes >= 1024 * MiB) return `${trim(bytes / (1024 * MiB))} GiB`;
  if (bytes >= MiB) return `${trim(bytes / MiB)} MiB`;
  return bytes >= KiB ? `${trim(bytes / KiB)} KiB` : `${bytes} B`;
}

/** Fewer files; where they are few already, smaller ones. */
export function scaleDataset({ files, fileBytes }: Dataset, scale: number): Dataset {
  if (files < filesPerDirectory) return { files, fileBytes: Math.max(1, Math.round(fileBytes * scale)) };
  return { files: Math.max(1, Math.round(files * scale)), fileBytes };
}

/** The same bytes each time: the key stream of AES in counter mode under a key made from the shape. */
export function makeDataset(directory: string, { files, fileBytes }: Dataset): void {
  const key = createHash('sha256').update(`pando bench ${files} ${fileBytes}`).digest().subarray(0, 16);
  const stream = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(Math.min(fileBytes, chunkBytesMax));
  for (let n = 0; n < files; n++) {
    const folder = join(directory, `d${String(Math.floor(n / filesPerDirectory)).padStart(4, '0')}`);
    if (n % filesPerDirectory === 0) mkdirSync(folder, { recursive: true });
    const file = openSync(join(folder, `f${String(n).padStart(6, '0')}.bin`), 'wx');
    for (let left = fileBytes; left > 0; left -= zeros.length) {
      writeSync(file, stream.update(left < zeros.length ? zeros.subarray(0, left) : zeros));
    }
    closeSync(file);
  }
}

/** Brings every byte of a tree into the page cache. */
export function warm(directory: string): void {
  const buffer = Buffer.alloc(chunkBytesMax);
  for (const path of listTree(directory).keys()) {
    const file = openSync(join(directory, path), 'r');
    while (readSync(file, buffer) > 0);
    closeSync(file);
  }
}

function trim(value: number): string {
  return String(Math.round(value * 10) / 10);
}
