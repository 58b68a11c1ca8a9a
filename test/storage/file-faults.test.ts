import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Storage, StorageError } from '../../src/ports/storage.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { walk } from '../../src/storage/file/walk.ts';
import { openFiles } from './open-files.ts';

const MARK = { operation: '01890000-0000-7000-8000-000000000001', sha256: undefined };

for (const blocking of [false, true]) {
  describe(`files (${blocking ? 'blocking' : 'waiting'})`, () => {
    let above: string;
    let root: string;
    let storage: Storage;

    beforeEach(() => {
      above = fs.mkdtempSync(join(tmpdir(), 'pando-file-'));
      root = join(above, 'on/disk/root');
      fs.mkdirSync(root, { recursive: true });
      storage = openFileStorage({ name: 'files', basePath: root, blocking });
    });

    afterEach(async () => {
      await storage[Symbol.asyncDispose]();
      fs.rmSync(above, { recursive: true, force: true });
    });

    test.each(['on', 'on/disk', 'on/disk/root'])(
      'a root that goes away (with %s) between staging and publishing fails the publish, and is not made again',
      async (gone) => {
        const staged = await storage.stage('d/e/x', Buffer.from('1'), { attributes: {}, mark: MARK });
        fs.rmSync(join(above, gone), { recursive: true });
        const outcome = await storage
          .publish([{ staged, options: { ifAbsent: true } }])
          .then(([one]) => one)
          .catch((error: unknown) => error);
        expect(outcome).toBeInstanceOf(StorageError);
        expect(fs.existsSync(root)).toBe(false);
      },
    );

    const write = async (to: Storage, key: string): Promise<string | undefined> => {
      const staged = await to.stage(key, Buffer.from('1'), { attributes: {}, mark: MARK });
      const [outcome] = await to.publish([{ staged, options: {} }]);
      return outcome instanceof StorageError ? outcome.kind : undefined;
    };

    test('a directory that others have removed is made again, also long after it was made', async () => {
      expect(await write(storage, 'd/e/x')).toBeUndefined();
      fs.rmSync(join(root, 'd'), { recursive: true });
      // Longer than what was found of a directory is believed.
      await sleep(1100);
      expect(await write(storage, 'd/e/y')).toBeUndefined();
      expect(fs.readdirSync(join(root, 'd/e'))).toEqual(['y']);
    });

    test.each([0, undefined])(
      'a writer whose staging directory was taken for a dead one’s goes on (unnamed files: %s)',
      async (unnamedFiles) => {
        await using writer = openFileStorage({
          name: 'files',
          basePath: root,
          blocking,
          ...(unnamedFiles === undefined ? {} : { unnamedFiles }),
        });
        expect(await write(writer, 'd/a')).toBeUndefined();
        fs.rmSync(join(root, '.pando'), { recursive: true });
        expect(await write(writer, 'd/b')).toBeUndefined();
        const staged = await writer.stage('link', Buffer.from(''), { attributes: { link: 'd/a' }, mark: MARK });
        await writer.discard([staged]);
        expect(fs.readdirSync(join(root, 'd'))).toEqual(['a', 'b']);
      },
    );

    test('nothing is written where another directory came in the place of the root: the disk may not be mounted', async () => {
      expect(await write(storage, 'd/a')).toBeUndefined();
      fs.renameSync(root, `${root}.away`);
      fs.mkdirSync(root);
      await expect(write(storage, 'd/b')).rejects.toBeInstanceOf(StorageError);
      expect(fs.readdirSync(root)).toEqual([]);
      fs.rmdirSync(root);
      fs.renameSync(`${root}.away`, root);
      expect(await write(storage, 'd/b')).toBeUndefined();
    });

    test.each([
      ['nowhere', 'leads nowhere'],
      ['link', 'leads back to itself'],
    ])('a link to %s is there, though it cannot be followed, and goes by a token of its own', async (to, why) => {
      fs.symlinkSync(to, join(root, 'link'));
      await expect(storage.head('link')).rejects.toThrow(why);
      await expect(storage.get('link')).rejects.toMatchObject({ kind: 'denied' });
      await using keeping = openFileStorage({ name: 'files', basePath: root, blocking, symlinks: 'preserve' });
      const { token } = await keeping.head('link');
      await expect(storage.delete('link', { ifToken: 'another' })).rejects.toBeInstanceOf(StorageError);
      expect(fs.readdirSync(root)).toContain('link');
      await storage.delete('link', { ifToken: token });
      expect(fs.readdirSync(root)).not.toContain('link');
    });

    test('a directory that becomes a link out of the store while it is open is soon neither read nor written through', async () => {
      expect(await write(storage, 'd/a')).toBeUndefined();
      await storage.get('d/a');
      const outside = join(above, 'outside');
      fs.renameSync(join(root, 'd'), outside);
      fs.symlinkSync(outside, join(root, 'd'));
      await sleep(1100);
      expect(await write(storage, 'd/b')).toBe('blocked');
      await expect(storage.get('d/a')).rejects.toMatchObject({ kind: 'denied' });
      expect(fs.readdirSync(outside)).toEqual(['a']);
    });

    test('nothing is written, made, looked at for writing or deleted through a link to a directory inside the root', async () => {
      expect(await write(storage, 'd/a')).toBeUndefined();
      fs.symlinkSync('d', join(root, 'link'));
      expect((await storage.head('link/a')).size).toBeGreaterThan(0);
      for (const key of ['link/a', 'link/b', 'link/made/c']) expect(await write(storage, key), key).toBe('blocked');
      await expect(storage.head('link/a', { toWrite: true })).rejects.toMatchObject({
        kind: 'blocked',
        message: 'files: link/a: a symbolic link to a directory is on the way: link',
      });
      await expect(storage.delete('link/a')).rejects.toMatchObject({ kind: 'blocked' });
      expect(fs.readdirSync(join(root, 'd'))).toEqual(['a']);
      fs.symlinkSync('nowhere', join(root, 'lost'));
      expect(await write(storage, 'lost/a')).toBe('blocked');
      expect(fs.existsSync(join(root, 'nowhere'))).toBe(false);
    });

    test('a root that is itself a link is written to', async () => {
      fs.symlinkSync(root, join(above, 'to-root'));
      await using linked = openFileStorage({ name: 'files', basePath: join(above, 'to-root'), blocking });
      expect(await write(linked, 'd/e/a')).toBeUndefined();
      expect(fs.readdirSync(join(root, 'd/e'))).toEqual(['a']);
    });

    test('where links to directories are not followed, one is an entry and nothing lies behind it', async () => {
      fs.mkdirSync(join(root, 'd'));
      fs.writeFileSync(join(root, 'd/a'), '1');
      fs.symlinkSync('d', join(root, 'link'));
      fs.symlinkSync('d/a', join(root, 'to-file'));
      const shown = { 'follow-files': 'd/a link to-file', preserve: 'd/a link to-file', skip: 'd/a' } as const;
      for (const symlinks of ['follow-files', 'preserve', 'skip'] as const) {
        await using seen = openFileStorage({ name: 'files', basePath: root, blocking, symlinks });
        const keys = async (prefix: string): Promise<string> =>
          (await Array.fromAsync(seen.list(prefix))).flatMap(({ objects }) => objects.map(({ key }) => key)).join(' ');
        expect(await keys(''), symlinks).toBe(shown[symlinks]);
        expect(await keys('link/'), symlinks).toBe('');
        await expect(seen.head('link/a'), symlinks).rejects.toMatchObject({ kind: 'not-found' });
        await expect(seen.get('link/a'), symlinks).rejects.toMatchObject({ kind: 'not-found' });
      }
    });

    test('whatever lies where a dead writer staged is removed', async () => {
      const dead = join(root, '.pando/staging', `${hostname()}.${2 ** 30}.000000`);
      fs.mkdirSync(join(dead, 'directory/of/others'), { recursive: true });
      fs.writeFileSync(join(dead, '1'), 'x');
      fs.writeFileSync(join(root, '.pando/staging/file'), 'x');
      await storage.clean();
      expect(fs.readdirSync(join(root, '.pando/staging'))).toEqual(['file']);
    });

    test.each(['.pando', '.pando/staging'])(
      'whatever %s leads to as a link is neither written to nor cleaned up',
      async (link) => {
        const elsewhere = join(above, 'elsewhere');
        for (const directory of ['documents', 'staging/documents'])
          fs.mkdirSync(join(elsewhere, directory), { recursive: true });
        const files = ['documents/a', 'staging/documents/b', 'lease.pdf'].map((name) => join(elsewhere, name));
        for (const path of files) fs.writeFileSync(path, 'theirs');
        for (const path of [...files, join(elsewhere, 'documents'), join(elsewhere, 'staging/documents')])
          fs.utimesSync(path, 1, 1);
        fs.mkdirSync(join(root, link, '..'), { recursive: true });
        fs.symlinkSync(elsewhere, join(root, link));
        const before = fs.readdirSync(elsewhere, { recursive: true });
        await expect(storage.clean()).rejects.toMatchObject({ kind: 'denied', message: expect.stringContaining(link) });
        await expect(storage.stage('x', Buffer.from('1'), { attributes: {}, mark: MARK })).rejects.toMatchObject({
          kind: 'denied',
        });
        expect(fs.readdirSync(elsewhere, { recursive: true })).toEqual(before);
      },
    );

    test('metadata that no file system keeps with a file is refused for what it is, not as a full disk', async () => {
      const metadata = { k: 'x'.repeat(100_000) };
      const mark = { ...MARK, sha256: '0'.repeat(63).concat('1') };
      await expect(storage.stage('x', Buffer.from('1'), { attributes: { metadata }, mark })).rejects.toMatchObject({
        kind: 'unsupported',
        message: expect.stringContaining('bytes, more than the file system keeps'),
      });
    });

    test('a body that is returned before its first chunk leaves no file open', async () => {
      fs.writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000));
      const before = openFiles(root);
      for (let i = 0; i < 5; i++) {
        const { body } = await storage.get('large');
        await (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]().return?.();
      }
      expect(openFiles(root)).toEqual(before);
    });

    test('a body that is left half read leaves no file open', async () => {
      fs.writeFileSync(join(root, 'large'), Buffer.alloc(3_000_000));
      const before = openFiles(root);
      const { body } = await storage.get('large');
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      expect(openFiles(root)).toEqual(before);
    });

    test('a FIFO, a socket and a device are neither waited for nor read', async () => {
      fs.writeFileSync(join(root, 'file'), '1');
      const { execFileSync } = await import('node:child_process');
      execFileSync('mkfifo', [join(root, 'fifo')]);
      await expect(storage.get('fifo')).rejects.toMatchObject({ kind: 'not-found' });
      await expect(storage.head('fifo')).rejects.toMatchObject({ kind: 'not-found' });
      const pages = [...walk({ root, store: 'files', prefix: '', startAfter: undefined, symlinks: 'follow' })];
      expect(pages.map(({ keys }) => keys)).toEqual(['file']);
      expect(pages.flatMap(({ failures }) => failures.map(({ kind, protects }) => `${kind} ${protects}`))).toEqual([
        'special-file fifo',
      ]);
    });

    test('a root that became another directory while it was listed was not listed to its end', () => {
      // More than a page.
      for (let number = 0; number < 1500; number++) fs.writeFileSync(join(root, String(number)), '');
      const pages = walk({ root, store: 'files', prefix: '', startAfter: undefined, symlinks: 'follow' });
      expect(pages.next().value?.keys).not.toBe('');
      fs.renameSync(root, `${root}.away`);
      fs.mkdirSync(root);
      expect(() => [...pages]).toThrow(/went away while it was listed/);
    });

    test('a lease that cannot be written leaves nothing half written', async () => {
      fs.mkdirSync(join(root, '.pando'));
      const claim = {
        holder: 'here',
        process: { host: 'elsewhere', pid: 1, startedMs: 0 },
        leaseMs: 1000,
        nowMs: Date.now(),
      };
      const lease = await storage.lease(claim);
      expect('release' in lease).toBe(true);
      const again = await storage.lease({ ...claim, nowMs: claim.nowMs + 5000 });
      expect('release' in again).toBe(true);
      if ('release' in lease)
        await expect(lease.renew(claim.nowMs)).rejects.toMatchObject({ kind: 'precondition-failed' });
      if ('release' in lease) await lease.release();
      expect(fs.readdirSync(join(root, '.pando'))).toEqual(['lease']);
      if ('release' in again) await again.release();
      expect(fs.readdirSync(join(root, '.pando'))).toEqual([]);
    });

    test('what a killed claimant left beside the lease is removed by the next one', async () => {
      fs.mkdirSync(join(root, '.pando'));
      const left = join(root, '.pando/lease.0f8fad5b-d9cb-469f-a165-70867728950e');
      fs.writeFileSync(left, '{');
      fs.utimesSync(left, 1, 1);
      await storage.clean();
      expect(fs.readdirSync(join(root, '.pando'))).toEqual([]);
    });
  });
}

describe.runIf(process.platform === 'linux')('a flush of directories that failed', () => {
  test('is made good by the next publish into them', async () => {
    const root = fs.mkdtempSync(join(tmpdir(), 'pando-file-'));
    await using storage = openFileStorage({ name: 'files', basePath: root, blocking: true });
    const flushed: string[] = [];
    let fails = true;
    const fsync = vi.spyOn(fs, 'fsyncSync').mockImplementation((fd) => {
      if (fails) throw Object.assign(new Error('EIO'), { code: 'EIO' });
      flushed.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
    });
    const publish = async (key: string) => {
      const staged = await storage.stage(key, Buffer.from('1'), { attributes: {}, mark: MARK });
      return storage.publish([{ staged, options: {} }]);
    };
    try {
      await expect(publish('d/e/x')).rejects.toMatchObject({ kind: 'unavailable' });
      fails = false;
      await publish('d/e/y');
      expect(flushed.toSorted()).toEqual([root, join(root, 'd'), join(root, 'd/e')]);
    } finally {
      fsync.mockRestore();
      fs.rmSync(root, { recursive: true });
    }
  });
});

describe.runIf(process.platform === 'linux')('a file read at once', () => {
  const world = () => {
    const root = fs.mkdtempSync(join(tmpdir(), 'pando-file-'));
    fs.mkdirSync(join(root, 'd'));
    fs.writeFileSync(join(root, 'd/a'), 'before');
    const storage = openFileStorage({ name: 'files', basePath: root, blocking: true });
    return {
      root,
      storage,
      async [Symbol.asyncDispose]() {
        await storage[Symbol.asyncDispose]();
        fs.rmSync(root, { recursive: true });
      },
    };
  };

  test.each([
    ['grows', (path: string) => fs.appendFileSync(path, 'x')],
    ['is written over', (path: string) => fs.writeFileSync(path, 'behind')],
    ['is cut', (path: string) => fs.truncateSync(path, 3)],
  ])('and meanwhile %s, is told as changed', async (_, change) => {
    await using at = world();
    await at.storage.get('d/a');
    const { readSync } = fs;
    const read = vi.spyOn(fs, 'readSync').mockImplementationOnce((...args: Parameters<typeof readSync>) => {
      change(join(at.root, 'd/a'));
      return readSync(...args);
    });
    try {
      expect(() => at.storage.getAtOnce?.('d/a', {})).toThrow(expect.objectContaining({ kind: 'changed' }));
    } finally {
      read.mockRestore();
    }
  });

  test('is no link, no pipe, and lies in no directory that was not looked at', async () => {
    await using at = world();
    expect(at.storage.getAtOnce?.('d/a', {})).toBeUndefined();
    await at.storage.get('d/a');
    expect(at.storage.getAtOnce?.('d/a', {})?.body.toString()).toBe('before');
    fs.symlinkSync('a', join(at.root, 'd/link'));
    execFileSync('mkfifo', [join(at.root, 'd/pipe')]);
    for (const key of ['d/link', 'd/pipe', 'd']) expect(at.storage.getAtOnce?.(key, {})).toBeUndefined();
  });
});
