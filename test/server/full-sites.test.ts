import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRoot } from '../faults/child.ts';
import type { ServerProcess } from './server-process.ts';
import { isSoak, listingOf, report, settled, SitePair, statusOf } from './site-pair.ts';

const run = (...words: string[]): boolean => spawnSync(words[0] as string, words.slice(1)).status === 0;
const BODY = 'x'.repeat(400_000);
/** What a disk has room for, in objects, at the beginning of a turn: half as many again are written. */
const OBJECTS = isSoak ? 400 : 20;
const TURNS = isSoak ? 10 : 1;
const MIB = 1024 * 1024;
const roomFor = (objects: number): number => Math.ceil((objects * BODY.length) / MIB) + 1;
/** More than anything here needs. */
const PLENTY_MIB = 10 * roomFor(OBJECTS) + 64;

/** A small disk of its own. */
class Disk implements Disposable {
  readonly path: string;
  isMounted = false;

  constructor(path: string) {
    this.path = path;
  }

  mount(): void {
    mkdirSync(this.path);
    this.isMounted = run('mount', '-t', 'tmpfs', '-o', `size=${PLENTY_MIB}m`, 'tmpfs', this.path);
  }

  /** So much is free from now on. */
  leave(mib: number): void {
    const { blocks, bfree, bsize } = statfsSync(this.path);
    const usedMib = Math.ceil(((blocks - bfree) * bsize) / MIB);
    expect(run('mount', '-o', `remount,size=${usedMib + mib}m`, this.path)).toBe(true);
  }

  [Symbol.dispose](): void {
    if (this.isMounted) run('umount', '-l', this.path);
  }
}

describe.runIf(isRoot)('a disk that is full for a while', () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-full-sites-'));
  let pair: SitePair;
  const disks = { a: new Disk(join(root, 'a')), b: new Disk(join(root, 'b')) };
  const written = new Set<string>();
  beforeAll(async () => {
    for (const disk of [disks.a, disks.b]) disk.mount();
    // Catalogs, too.
    pair = await SitePair.open({ a: { root: disks.a.path }, b: { root: disks.b.path } });
  });
  afterAll(async () => {
    // It may not have begun.
    await (pair as SitePair | undefined)?.[Symbol.asyncDispose]();
    disks.a[Symbol.dispose]();
    disks.b[Symbol.dispose]();
    rmSync(root, { recursive: true, force: true });
  });

  /** Until one is refused for want of room, or so many are written. */
  const writeMany = async (server: ServerProcess, count: number): Promise<number> => {
    for (let at = 0; at < count; at++) {
      const name = `o-${written.size}`;
      const { status } = await server.put(`/s/${name}`, BODY);
      if (status !== 200) return status;
      written.add(name);
    }
    return 200;
  };
  const namesAt = async (server: ServerProcess): Promise<string[]> => [...(await listingOf(server, 's')).keys()].sort();

  it('at the peer parks it; it goes on by itself when there is room, and nothing is lost', async (context) => {
    if (!disks.a.isMounted) context.skip('file systems cannot be mounted here');
    const { a, b } = pair;
    for (let turn = 0; turn < TURNS; turn++) {
      disks.a.leave(PLENTY_MIB);
      disks.b.leave(roomFor(OBJECTS));
      expect(await writeMany(a, OBJECTS * 1.5)).toBe(200);
      await expect.poll(async () => (await statusOf(a)).peers[0]?.last_error, { timeout: 30_000 }).toMatch(/^full: /);
      expect(await statusOf(a)).toMatchObject({ parked: 1, dead_letters: 0 });
      // It tells its own clients the same.
      expect((await b.put('/s/of-b', BODY)).status).toBe(507);
      disks.b.leave(PLENTY_MIB);
      await settled(a, 'b');
      expect(await namesAt(b)).toEqual([...written].sort());
    }
    report(`${written.size} objects came to a peer whose disk was full ${TURNS} times`);
  });

  it('where objects are written refuses them with 507; what was written comes to the peer, and room ends it', async (context) => {
    if (!disks.a.isMounted) context.skip('file systems cannot be mounted here');
    const { a, b } = pair;
    disks.b.leave(TURNS * roomFor(OBJECTS) + PLENTY_MIB);
    for (let turn = 0; turn < TURNS; turn++) {
      disks.a.leave(16);
      const filler = join(disks.a.path, 'filler');
      run('dd', 'if=/dev/zero', `of=${filler}`, 'bs=64k');
      expect(await writeMany(a, 10)).toBe(507);
      // To the last byte: the catalog has no room either.
      run('dd', 'if=/dev/zero', `of=${filler}`, 'bs=512', 'oflag=append', 'conv=notrunc');
      expect((await a.put('/s/none', 'none')).status).toBe(507);
      expect((await a.text('/s/o-0'))?.length).toBe(BODY.length);
      expect(await namesAt(a)).toEqual([...written].sort());
      rmSync(filler);
      await expect.poll(async () => (await a.put('/s/again', BODY)).status, { timeout: 30_000 }).toBe(200);
      written.add('again');
      expect(await writeMany(a, 10)).toBe(200);
      await settled(a, 'b');
      for (const server of [a, b]) expect(await namesAt(server)).toEqual([...written].sort());
    }
    report(`${written.size} objects, the disk full to the last byte ${TURNS} times`);
  });
});
