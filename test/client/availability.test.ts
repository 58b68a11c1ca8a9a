import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { flushRequests } from '../../src/client/flush-requests.ts';
import { shareSession } from '../../src/client/open-session.ts';
import { setStore } from '../../src/client/store-use.ts';
import { Pando } from '../../src/compose.ts';
import { parseConfiguration } from '../../src/config/load.ts';
import { texts, writeAll } from '../sync/trees.ts';

const names = (root: string): string[] => Object.keys(texts(root)).toSorted();

/** A profile `data` with the replicas `near` and `far`, in directories. */
class Frozen implements AsyncDisposable {
  readonly root = mkdtempSync(join(tmpdir(), 'pando-availability-'));
  readonly pando: Pando;

  constructor(more: Readonly<Record<string, string>> = {}) {
    const profile = (name: string) => {
      mkdirSync(this.path(name));
      const own = more[name] === undefined ? '' : `    ${more[name]}\n`;
      return `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${this.path(name)}}}\n${own}`;
    };
    const replicas =
      '    replicas: [{replica_profile: near, read_priority: 1}, {replica_profile: far, read_priority: 2}]\n';
    const text = `profiles:\n${profile('data')}${replicas}${profile('near')}${profile('far')}`;
    const environment = { PANDO_CATALOG: `sqlite:${this.root}/catalog.sqlite` };
    const surroundings = { environment, directory: this.root, home: this.root };
    this.pando = new Pando(parseConfiguration(text, { file: this.path('pando.yaml'), surroundings }));
  }

  path(...parts: string[]): string {
    return join(this.root, ...parts);
  }

  async session() {
    const profile = this.pando.profile('data');
    if (profile === undefined) throw new Error('no profile');
    return shareSession(this.pando, profile);
  }

  async sync(more: { readonly deleteUnmatchedFiles?: boolean; readonly dryRun?: boolean } = {}) {
    return (await this.session()).syncReplicas({ deleteLimit: { kind: 'percent', percent: 100 }, ...more });
  }

  async put(name: string, text: string): Promise<void> {
    const { objects, scope } = await this.session();
    await objects.write({ scope, name, body: Buffer.from(text) });
  }

  async work(): Promise<string[]> {
    const { objects, scope, catalog } = await this.session();
    await objects.settle();
    await objects.carryOut({ scopes: [scope], owner: 'test', until: 'idle' });
    const requests = await catalog.listRequests({ limit: 100 });
    const waiting = requests.filter(({ state }) => state === 'QUEUED' || state === 'FAILED');
    return waiting.map(({ kind, name, store, state, attempts }) =>
      [state, kind, name, store.endsWith('/near/') ? 'near' : 'far', attempts].join(' '),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    rmSync(this.root, { recursive: true, force: true });
  }
}

describe('a store that takes no writes now', () => {
  test('is given up by a sync, with what to do, and nothing is written to it; the others go on', async () => {
    await using world = new Frozen();
    writeAll(world.path('data'), { a: '1', b: '2' });
    await setStore(world.pando, 'near', { write: false });
    for (const dryRun of [true, false]) {
      const result = await world.sync({ dryRun });
      expect(result).toMatchObject({ state: 'failed', targets: [{ added: 0, failed: 1 }, { added: 2 }] });
      expect(result.failures).toEqual([
        {
          key: '',
          target: 'near',
          kind: 'held-back',
          message: 'it takes no writes now: pando store set near --write, or --as-configured',
        },
      ]);
    }
    expect(existsSync(world.path('near/.pando'))).toBe(false);
    expect(names(world.path('near'))).toEqual([]);
    await setStore(world.pando, 'near', { write: true });
    expect(await world.sync()).toMatchObject({ state: 'done', targets: [{ added: 2 }, { unchanged: 2 }] });
  });

  test('gets no copy of what is written or missed: the copies wait, and no attempt is counted', async () => {
    await using world = new Frozen({ near: 'availability: { write: false }' });
    await world.put('a', 'one');
    for (let round = 0; round < 3; round++) expect(await world.work()).toEqual(['QUEUED copy a near 0']);
    expect(names(world.path('near'))).toEqual([]);
    const startedMs = Date.now();
    expect((await flushRequests(await world.session())).pending).toHaveLength(1);
    expect(Date.now() - startedMs).toBeLessThan(10_000);
    await setStore(world.pando, 'near', { write: true });
    expect(await world.work()).toEqual([]);
    expect(names(world.path('near'))).toEqual(['a']);
  });

  test('refuses what is written to it as the source', async () => {
    await using world = new Frozen();
    await setStore(world.pando, 'data', { write: false });
    await expect(world.put('a', 'one')).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('it takes no writes now: pando store set data --write'),
    });
    expect(names(world.path('data'))).toEqual([]);
  });
});

describe('a store that deletes nothing now', () => {
  test('keeps what a sync would delete there, which is told; elsewhere it goes', async () => {
    await using world = new Frozen();
    writeAll(world.path('data'), { a: '1', b: '2', c: '3' });
    expect(await world.sync()).toMatchObject({ state: 'done' });
    rmSync(world.path('data/a'));
    await setStore(world.pando, 'near', { delete: false });
    const result = await world.sync({ deleteUnmatchedFiles: true });
    expect(result).toMatchObject({ state: 'failed', targets: [{ deleted: 0, unmatched: 1 }, { deleted: 1 }] });
    expect(result.failures).toMatchObject([
      {
        target: 'near',
        kind: 'held-back',
        message:
          '1 object that the source has not stay there: it deletes nothing now: pando store set near --delete, or --as-configured',
      },
    ]);
    expect(names(world.path('near'))).toEqual(['a', 'b', 'c']);
    expect(names(world.path('far'))).toEqual(['b', 'c']);
    expect(await world.work()).toEqual(['QUEUED delete a near 0']);
    await setStore(world.pando, 'near', 'as-configured');
    expect(await world.work()).toEqual([]);
    expect(names(world.path('near'))).toEqual(['b', 'c']);
  });

  test('keeps what is removed, and says so; it goes when it may', async () => {
    await using world = new Frozen();
    writeAll(world.path('data'), { a: '1' });
    expect(await world.sync()).toMatchObject({ state: 'done' });
    await setStore(world.pando, 'near', { delete: false });
    const { objects, scope } = await world.session();
    const deleted = await objects.delete({ scope, name: 'a' });
    expect(deleted).toMatchObject({
      deleted: ['data', 'far'],
      pending: [{ store: 'near', why: expect.stringContaining('pando store set near --delete') }],
    });
    expect(await world.work()).toEqual(['QUEUED delete a near 0']);
    expect(names(world.path('near'))).toEqual(['a']);
    await setStore(world.pando, 'near', { delete: true });
    expect(await world.work()).toEqual([]);
    expect(names(world.path('near'))).toEqual([]);
  });
});

describe('a store that gives no bytes now', () => {
  test('is passed over by reads, with the reason; where it is the last one, that is what is told', async () => {
    await using world = new Frozen();
    writeAll(world.path('data'), { a: '1' });
    expect(await world.sync()).toMatchObject({ state: 'done' });
    await setStore(world.pando, 'near', { read: false });
    const { objects, scope } = await world.session();
    const read = await objects.read({ scope, name: 'a' });
    expect(read.servedBy).toBe('far');
    expect(read.plan?.rejections).toMatchObject([{ why: expect.stringContaining('pando store set near --read') }]);
    read[Symbol.dispose]();
    await setStore(world.pando, 'far', { read: false });
    await setStore(world.pando, 'data', { read: false });
    await expect(objects.read({ scope, name: 'a' })).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('data: it gives no bytes now: pando store set data --read'),
    });
    await expect(world.sync()).rejects.toMatchObject({ kind: 'unavailable' });
  });
});
