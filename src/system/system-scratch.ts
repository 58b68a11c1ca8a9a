import { randomUUID } from 'node:crypto';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scratch, ScratchRun } from '../ports/scratch.ts';

/** Read at once of each run: a merge of hundreds of runs holds a block of each. */
const BLOCK_BYTES = 64 * 1024;

/**
 * Runs as files that have no name: each is unlinked as soon as it is open, so that its space is free again with its process,
 * whatever ends it.
 */
export function openSystemScratch(directory = tmpdir()): Scratch {
  const handles: FileHandle[] = [];
  return {
    async openRun() {
      const path = join(directory, `pando-${randomUUID()}`);
      const handle = await open(path, 'wx+', 0o600);
      handles.push(handle);
      await unlink(path);
      return new FileRun(handle);
    },
    async [Symbol.asyncDispose]() {
      for (const handle of handles.splice(0)) await handle.close();
    },
  };
}

class FileRun implements ScratchRun {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(lines: readonly string[]): Promise<void> {
    if (lines.length > 0) await this.#handle.writeFile(`${lines.join('\n')}\n`);
  }

  async *read(): AsyncGenerator<readonly string[]> {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    let rest = Buffer.alloc(0);
    for (let position = 0; ; ) {
      const { bytesRead } = await this.#handle.read(block, 0, BLOCK_BYTES, position);
      if (bytesRead === 0) return;
      position += bytesRead;
      const bytes = Buffer.concat([rest, block.subarray(0, bytesRead)]);
      const end = bytes.lastIndexOf(0x0a);
      rest = bytes.subarray(end + 1);
      if (end >= 0) yield bytes.toString('utf8', 0, end).split('\n');
    }
  }
}
