import { Readable } from 'node:stream';
import type { ObjectRead } from '../engine/object-read.ts';

/** All bytes of a read, in one buffer of the caller's own. */
export async function readWhole(read: ObjectRead): Promise<Buffer> {
  const { body, span } = read;
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const whole = Buffer.allocUnsafe(span.end - span.start);
  let filled = 0;
  for await (const chunk of body) {
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  return whole;
}

/** A read as a Node stream; opened when it is first read from, released when it ends or is destroyed. */
export function toReadable(open: () => Promise<ObjectRead>): Readable {
  return Readable.from(chunksOf(open), { objectMode: false });
}

async function* chunksOf(open: () => Promise<ObjectRead>): AsyncGenerator<Buffer> {
  using read = await open();
  if (read.body instanceof Uint8Array) {
    if (read.body.length > 0) yield Buffer.from(read.body.buffer, read.body.byteOffset, read.body.byteLength);
    return;
  }
  // A Node stream reads ahead, and a chunk is ours only until the next is asked for.
  for await (const chunk of read.body) yield Buffer.from(chunk);
}
