import { randomBytes, randomFillSync } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** Asking the system for a few bytes costs more than the bytes: small wants are met from a block. */
const BLOCK_BYTES = 4096;
const block = Buffer.allocUnsafe(BLOCK_BYTES);
let used = BLOCK_BYTES;

export const systemRandom: Random = {
  bytes(count) {
    if (count > BLOCK_BYTES / 4) return randomBytes(count);
    if (used + count > BLOCK_BYTES) {
      randomFillSync(block);
      used = 0;
    }
    used += count;
    return Uint8Array.prototype.slice.call(block, used - count, used);
  },
  fraction: () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
};
