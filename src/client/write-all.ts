import type { FileHandle } from 'node:fs/promises';

/** Writes all of it, or fails: a disk that fills up takes a part first, and says so only when it is given the rest. */
export async function writeAll(handle: FileHandle, chunk: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { bytesWritten } = await handle.write(chunk, done, chunk.length - done, at + done);
    done += bytesWritten;
  }
}
