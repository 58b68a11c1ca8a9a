import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ListingPage } from '../../src/ports/storage.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { openFiles } from './open-files.ts';

describe.runIf(process.platform === 'linux')('a listing in a thread', () => {
  const threads = new Set<Worker>();
  const note = (thread: Worker): void => {
    threads.add(thread);
    thread.once('exit', () => threads.delete(thread));
  };
  let root: string;

  beforeEach(() => {
    process.on('worker', note);
    root = fs.mkdtempSync(join(tmpdir(), 'pando-file-'));
    // More than are sent ahead: the thread waits half-way, its directory open.
    for (let i = 0; i < 22_000; i++) fs.writeFileSync(join(root, `f${i}`), '');
  });

  afterEach(() => {
    process.off('worker', note);
    fs.rmSync(root, { recursive: true });
  });

  test('that is abandoned half-way leaves no directory open, however many there are', async () => {
    await using storage = openFileStorage({ name: 'files', basePath: root });
    const listings = Array.from({ length: 4 }, () => storage.list('')[Symbol.asyncIterator]());
    for (const listing of listings) await listing.next();
    await vi.waitUntil(() => openFiles(root).length === listings.length);
    await Promise.all(listings.map(async (listing) => listing.return?.()));
    await vi.waitUntil(() => openFiles(root).length === 0);
  });

  test('whose thread ends fails, and the next one gets another thread', async () => {
    await using storage = openFileStorage({ name: 'files', basePath: root });
    // Those that waited for a listing are used first.
    const listings = Array.from({ length: 4 }, () => storage.list('')[Symbol.asyncIterator]());
    for (const listing of listings) await listing.next();
    expect(threads.size).toBeGreaterThan(0);
    await Promise.all([...threads].map((thread) => thread.terminate()));
    const ends = await Promise.allSettled(listings.map(readOn));
    expect(ends.filter(({ status }) => status === 'rejected')).not.toEqual([]);
    for (const end of ends) if (end.status === 'rejected') expect(end.reason).toMatchObject({ kind: 'unavailable' });
    for (let i = 0; i < 4; i++) expect(await readOn(storage.list('')[Symbol.asyncIterator]())).toBe(22_000);
  });
});

async function readOn(listing: AsyncIterator<ListingPage>): Promise<number> {
  let count = 0;
  for (let page = await listing.next(); page.done !== true; page = await listing.next())
    count += page.value.objects.length;
  return count;
}
