import type { ByteRange } from '../domain/transfer/byte-range.ts';

const ONE = /^bytes=\s*(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))\s*$/i;

/** The range a request asks for; undefined: none, or one that is not understood and so is all of it (RFC 9110, 14.2). */
export function parseRange(header: string | undefined): ByteRange | undefined {
  const match = header === undefined ? null : ONE.exec(header);
  if (match === null) return undefined;
  const [, from, to, suffix] = match;
  if (suffix !== undefined) return { suffix: Number(suffix) };
  const start = Number(from);
  if (to === undefined || to === '') return { start };
  return Number(to) < start ? undefined : { start, end: Number(to) };
}
