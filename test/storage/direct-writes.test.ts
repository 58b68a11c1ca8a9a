import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectWrites } from '../../src/storage/file/direct-writes.ts';
import { waitingIo } from '../../src/storage/file/file-io.ts';
import { loadNativeFiles, type NativeFiles } from '../../src/storage/file/native.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const native = loadNativeFiles();
const onDisk = path.resolve('node_modules/.direct-writes');

/** Writes `bytes` in chunks of these lengths, the last one again and again. */
async function write(file: string, bytes: Buffer, chunkBytes: number, using_: NativeFiles): Promise<boolean> {
  const writes = new DirectWrites({ io: waitingIo, native: using_, wanted: 'always' });
  const fd = fs.openSync(file, 'w');
  try {
    const direct = writes.begin(fd, bytes.length);
    if (direct === undefined) return false;
    try {
      for (let at = 0; at < bytes.length; at += chunkBytes) await direct.write(bytes.subarray(at, at + chunkBytes));
      await direct.end();
    } finally {
      await direct.stop();
    }
    return true;
  } finally {
    fs.closeSync(fd);
  }
}

describe.skipIf(native === undefined)('direct writes', () => {
  const linux = native as NativeFiles;

  it.each([256 * KIB, 256 * KIB + 1, MIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 2 * MIB + 4096, 5 * MIB + 4095])(
    'of %i bytes are on the disk as they were given, whatever the chunks',
    async (size) => {
      fs.mkdirSync(onDisk, { recursive: true });
      const file = path.join(onDisk, `${size}`);
      const bytes = randomBytes(size);
      for (const chunkBytes of [size, MIB, 4096, 65_537]) {
        await write(file, bytes, chunkBytes, linux);
        expect(fs.readFileSync(file).equals(bytes)).toBe(true);
      }
      fs.rmSync(file);
    },
  );

  it('where the file system refuses the mode, the file is written as usual, and the next one is not asked for', async () => {
    let asked = 0;
    const refusing = { ...linux, setDirect: () => (asked++, -os.constants.errno.EINVAL) };
    const writes = new DirectWrites({ io: waitingIo, native: refusing, wanted: 'always' });
    expect([writes.begin(3, MIB), writes.begin(3, MIB), asked]).toEqual([undefined, undefined, 1]);
  });

  it('where the file system takes the mode and refuses the write, nothing is lost', async () => {
    fs.mkdirSync(onDisk, { recursive: true });
    const file = path.join(onDisk, 'misaligned');
    const bytes = randomBytes(3 * MIB + 5);
    // Memory that begins one byte off is what a disk with other blocks would see.
    const misaligned = {
      ...linux,
      remainderOfAddress: (at: Uint8Array, by: number) => linux.remainderOfAddress(at, by) + 1,
    };
    expect(await write(file, bytes, MIB, misaligned)).toBe(true);
    expect(fs.readFileSync(file).equals(bytes)).toBe(true);
    fs.rmSync(file);
  });

  it('a failure under way is told by the next call, and nothing is written after a stop', async () => {
    const writes = new DirectWrites({ io: waitingIo, native: linux, wanted: 'always' });
    const file = path.join(os.tmpdir(), `pando-read-only-${process.pid}`);
    fs.writeFileSync(file, '');
    const fd = fs.openSync(file, 'r');
    try {
      const direct = writes.begin(fd, 8 * MIB);
      if (direct === undefined) return;
      const all = (async () => {
        for (let i = 0; i < 8; i++) await direct.write(randomBytes(MIB));
        await direct.end();
      })();
      await expect(all).rejects.toMatchObject({ code: 'EBADF' });
      await direct.stop();
      expect(fs.statSync(file).size).toBe(0);
    } finally {
      fs.closeSync(fd);
      fs.rmSync(file);
    }
  });

  it('a file that refuses every write fails, and is not tried for ever', async () => {
    const willing = { ...linux, setDirect: () => 0 };
    const writes = new DirectWrites({ io: waitingIo, native: willing, wanted: 'always' });
    const fd = fs.openSync('/proc/self/oom_score_adj', 'w');
    try {
      const direct = writes.begin(fd, MIB);
      await direct?.write(Buffer.alloc(MIB, 'x'));
      await expect(direct?.end()).rejects.toMatchObject({ code: 'EINVAL' });
      await direct?.stop();
    } finally {
      fs.closeSync(fd);
    }
  });

  it.each([
    ['where-fast', 10_000],
    ['where-fast', 1],
    ['always', 10_000],
  ] as const)(
    '%s is given up only where nobody needs it, on a disk of %i ms a buffer if that is slow',
    async (wanted, stepMs) => {
      let clockMs = 0;
      const writes = new DirectWrites({ io: waitingIo, native: linux, wanted, nowMs: () => (clockMs += stepMs) });
      fs.mkdirSync(onDisk, { recursive: true });
      const file = path.join(onDisk, `judged-${wanted}-${stepMs}`);
      const fd = fs.openSync(file, 'w');
      try {
        const direct = writes.begin(fd, 20 * MIB);
        for (let i = 0; i < 20; i++) await direct?.write(Buffer.alloc(MIB));
        await direct?.end();
        await direct?.stop();
        const next = writes.begin(fd, MIB);
        await next?.stop();
        expect(next === undefined).toBe(wanted === 'where-fast' && stepMs > 1);
      } finally {
        fs.closeSync(fd);
        fs.rmSync(file);
      }
    },
  );

  it('small files, and those of unknown size, are written as usual', () => {
    const writes = new DirectWrites({ io: waitingIo, native: linux, wanted: 'always' });
    expect([writes.begin(3, 256 * KIB - 1), writes.begin(3, undefined)]).toEqual([undefined, undefined]);
  });
});
