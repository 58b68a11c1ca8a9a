import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bringCopy } from '../../src/engine/bring-copy.ts';
import { StoreHealth } from '../../src/engine/store-health.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';

test('the same bytes behind a link to a directory are no copy of another object, and none is written there', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-bring-'));
  try {
    await using target = openFileStorage({ name: 'near', basePath: root });
    const bytes = Buffer.from('same');
    const bring = (key: string) =>
      bringCopy(
        { clock: systemClock, health: new StoreHealth(systemClock) },
        {
          target,
          key,
          operation: '019a0000-0000-7000-8000-000000000000',
          content: { kind: 'object', size: bytes.length, sha256: hash('sha256', bytes, 'hex') },
          deadlineMs: 10_000,
          open: async () => bytes,
          ask: async () => 'go-on',
          signal: new AbortController().signal,
        },
      );
    expect(await bring('a/f')).toMatchObject({ kind: 'brought', verification: 'written' });
    expect(await bring('a/f')).toMatchObject({ kind: 'brought', verification: 'read-back' });
    symlinkSync('a', join(root, 'b'));
    for (const key of ['b/f', 'b/g'])
      await expect(bring(key)).rejects.toMatchObject({
        kind: 'blocked',
        message: `near: ${key}: a symbolic link to a directory is on the way: b`,
      });
    expect(readdirSync(join(root, 'a'))).toEqual(['f']);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('bytes of somebody else that lie where a copy is to go stay there', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-bring-'));
  try {
    await using target = openFileStorage({ name: 'near', basePath: root });
    writeFileSync(join(root, 'f'), 'theirs');
    const bytes = Buffer.from('ours');
    const brought = bringCopy(
      { clock: systemClock, health: new StoreHealth(systemClock) },
      {
        target,
        key: 'f',
        operation: '019a0000-0000-7000-8000-000000000000',
        content: { kind: 'object', size: bytes.length, sha256: hash('sha256', bytes, 'hex') },
        deadlineMs: 10_000,
        open: async () => bytes,
        isOurs: () => false,
        ask: async () => 'go-on',
        signal: new AbortController().signal,
      },
    );
    await expect(brought).rejects.toMatchObject({ message: 'near: f: bytes lie there that are not of this object' });
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('theirs');
  } finally {
    rmSync(root, { recursive: true });
  }
});
