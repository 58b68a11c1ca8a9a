import { hash } from 'node:crypto';

/** Bits of a hash that fit a number exactly. */
const BITS = 48;

/** A number in [0, 1) that is the same for the same words every time, and evenly spread. */
export function drawFrom(...words: readonly (string | number)[]): number {
  const digest = hash('md5', words.join('\0'), 'hex');
  return Number.parseInt(digest.slice(0, BITS / 4), 16) / 2 ** BITS;
}
