import type { NativeFiles } from './native.ts';

/** What every file system and disk asks of memory, offset and length of a direct write, or less. */
export const ALIGNMENT = 4096;

/** Memory that begins where a direct write may begin. Its address never changes: it lies outside the heap. */
export function makeAlignedBuffer(bytes: number, native: NativeFiles): Uint8Array {
  const room = new Uint8Array(bytes + ALIGNMENT);
  const start = (ALIGNMENT - native.remainderOfAddress(room, ALIGNMENT)) % ALIGNMENT;
  return room.subarray(start, start + bytes);
}
