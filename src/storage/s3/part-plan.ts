import { PART_BYTES_MAX, PART_BYTES_MIN, PART_COUNT_MAX } from './s3-settings.ts';

/** Parts of a body of unknown length are doubled after each so many, up to the limit: short bodies stay cheap, long ones fit. */
const DOUBLED_EVERY = 1000;
const UNKNOWN_PART_BYTES_MAX = 512 * 1024 * 1024;
const MIB = 1024 * 1024;

/**
 * Bytes of part number `number` (the first is 1); the last one may be shorter. Follows from its arguments alone, so that an
 * upload that is resumed cuts the same bytes at the same places.
 */
export function partBytesOf(
  number: number,
  settings: { readonly partBytes: number; readonly size: number | undefined },
): number {
  const wanted = Math.max(PART_BYTES_MIN, settings.partBytes);
  if (settings.size !== undefined) {
    const needed = Math.ceil(settings.size / PART_COUNT_MAX / MIB) * MIB;
    return Math.min(PART_BYTES_MAX, Math.max(wanted, needed));
  }
  const doubled = wanted * 2 ** Math.floor((number - 1) / DOUBLED_EVERY);
  return Math.max(wanted, Math.min(UNKNOWN_PART_BYTES_MAX, doubled));
}
