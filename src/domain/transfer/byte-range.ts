/**
 * A range as callers give it: `{start, end}` with the end inclusive, open-ended without it, or the last `suffix` bytes
 * (docs/replicas.md, "Ranges").
 */
export type ByteRange = { readonly start: number; readonly end?: number } | { readonly suffix: number };

/** A range resolved against a size: `start` inclusive, `end` exclusive, in bytes. */
export interface ByteSpan {
  readonly start: number;
  readonly end: number;
}

/** Whether the numbers of a range make sense by themselves. */
export function isByteRange(range: ByteRange): boolean {
  if ('suffix' in range) return Number.isSafeInteger(range.suffix) && range.suffix >= 0;
  if (!Number.isSafeInteger(range.start) || range.start < 0) return false;
  return range.end === undefined || (Number.isSafeInteger(range.end) && range.end >= range.start);
}

/** The bytes a range asks of an object of `size` bytes; what lies beyond the end is empty, not an error. */
export function resolveByteRange(range: ByteRange | undefined, size: number): ByteSpan {
  if (range === undefined) return { start: 0, end: size };
  if ('suffix' in range) return { start: Math.max(0, size - range.suffix), end: size };
  const start = Math.min(range.start, size);
  const end = range.end === undefined ? size : Math.min(range.end + 1, size);
  return { start, end: Math.max(start, end) };
}
