import type { IncomingMessage } from 'node:http';
import type { ByteSpan } from '../domain/transfer/byte-range.ts';

/** Which of the bytes the server sends were asked for. */
export function wantedOf(span: ByteSpan | undefined, sent: Sent): ByteSpan {
  if (span === undefined) return { start: 0, end: sent.size };
  const end = Math.max(Math.min(span.end, sent.size) - sent.start, 0);
  return { start: Math.min(span.start - sent.start, end), end };
}

/** Bytes of an object on their way, and the size of the whole. */
export interface Sent extends ByteSpan {
  readonly size: number;
}

/** Undefined: the answer to a range does not say which one it is. */
export function sentOf(answer: IncomingMessage): Sent | undefined {
  if (answer.statusCode !== 206) {
    const size = Number(answer.headers['content-length'] ?? 0);
    return { start: 0, end: size, size };
  }
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(answer.headers['content-range'] ?? '');
  return match === null ? undefined : { start: Number(match[1]), end: Number(match[2]) + 1, size: Number(match[3]) };
}

export function covers(sent: Sent, span: ByteSpan): boolean {
  return sent.end <= sent.size && sent.start <= span.start && sent.end >= Math.min(span.end, sent.size);
}
