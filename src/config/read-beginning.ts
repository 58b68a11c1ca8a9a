import { closeSync, openSync, readSync } from 'node:fs';

/** A file's first bytes, `bytesMax` at most: devices and pipes have no size, and some have no end. */
export function readBeginning(path: string, bytesMax: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const pieces: Buffer[] = [];
    for (let left = bytesMax; left > 0; ) {
      const piece = Buffer.allocUnsafe(Math.min(left, 64 * 1024));
      const length = readSync(file, piece);
      if (length === 0) break;
      pieces.push(piece.subarray(0, length));
      left -= length;
    }
    return Buffer.concat(pieces);
  } finally {
    closeSync(file);
  }
}
