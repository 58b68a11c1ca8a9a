import { randomBytes } from 'node:crypto';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import type { Arrived } from '../../src/ports/journal.ts';
import { Sandbox } from '../cli/sandbox.ts';
import { ReadingProxy } from '../servers/reading-proxy.ts';
import { ForeignSite, type Written } from './foreign-site.ts';
import { ServerProcess } from './server-process.ts';
import { listAll } from './site-network.ts';

const OBJECTS = process.env['PANDO_SOAK'] === '1' ? 1_000_000 : 2_000;
const APART = 10;
const AT_ONCE = 5_000;
/** For one name: digests of the leaves of its branch, names in its leaf, and the entry. */
const NAME_BYTES_MAX = 8 * 1024;

const numbered = (counter: number): Written => ({
  scope: 's',
  name: `dir-${counter % 100}/object-${counter}`,
  text: 'x',
  counter,
});

/** The same catalog, as that of another site. */
function copyTo(root: string, of: string): void {
  const name = 'catalog.sqlite';
  for (const file of readdirSync(join(of, 'data'))) {
    if (file.startsWith(name)) cpSync(join(of, 'data', file), join(root, 'data', file));
  }
  const copy = new DatabaseSync(join(root, 'data', name));
  copy.prepare('update site set id = ?').run(randomBytes(8).toString('hex'));
  copy.close();
}

/** What a third site has told of, as it would lie in a catalog; nobody reads the bytes. */
async function fill(root: string, third: ForeignSite): Promise<void> {
  await using catalog = await openSqliteCatalog({ path: join(root, 'data', 'catalog.sqlite') });
  const store = `file://${root}/data/objects/`;
  for (let from = 1; from <= OBJECTS; from += AT_ONCE) {
    const count = Math.min(AT_ONCE, OBJECTS + 1 - from);
    const entries = Array.from({ length: count }, (_, at): Arrived => {
      const { entry } = third.lineOf(numbered(from + at));
      const token = 'none';
      return { entry, copy: { store, state: 'AVAILABLE', place: `at/${from + at}`, token, verification: 'read-back' } };
    });
    const outcomes = await catalog.applyEntries({ from: third.id, entries });
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['applied']));
  }
}

test(`two sites with ${OBJECTS} objects that are ${APART} names apart tell each other of little more than these`, {
  timeout: 3_600_000,
}, async () => {
  await using first = await ServerProcess.start();
  await using second = await ServerProcess.start();
  const third = new ForeignSite(() => a, 'third');
  for (const server of [first, second]) await server.end('SIGTERM');
  await fill(first.root, third);
  copyTo(second.root, first.root);
  await using a = await ServerProcess.start({ root: first.root });
  await using b = await ServerProcess.start({ root: second.root });
  await using proxy = await ReadingProxy.start();
  proxy.leadTo(b);
  expect((await third.hello()).status).toBe(200);
  const apart = Array.from({ length: APART }, (_, at) => numbered(OBJECTS + 1 + at));
  expect(new Set(await third.send(apart))).toEqual(new Set(['applied']));
  using box = new Sandbox();
  const there = (...args: string[]) => box.run(args, { env: { PANDO_SERVER: a.url } });
  expect((await there('peer', 'add', proxy.url, '--name', 'b', '--direction', 'send')).code).toBe(0);
  expect((await there('peer', 'wait', 'b', '--timeout', '30m')).code).toBe(0);
  const { batch, digests, listing } = Object.fromEntries(proxy.traffic);
  const bytes = [batch, digests, listing].map((one) => one?.bytes ?? 0);
  process.stdout.write(
    `${OBJECTS} objects, ${APART} apart: batches ${bytes[0]}, digests ${bytes[1]}, names ${bytes[2]} bytes\n`,
  );
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(APART * NAME_BYTES_MAX);
  expect(new Set(proxy.delivered.map(({ outcome }) => outcome))).toEqual(new Set(['bytes-wanted', 'applied']));
  expect(proxy.delivered.filter(({ outcome }) => outcome === 'applied')).toHaveLength(APART);
  expect((await there('peer', 'check', 'b')).code).toBe(0);
  if (OBJECTS < 10_000) expect(await listAll(b, 's')).toEqual(await listAll(a, 's'));
});
