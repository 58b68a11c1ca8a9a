import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { systemBoot } from '../../src/catalog/system-boot.ts';
import type { Replica } from '../../src/domain/replica/replica.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { contentOf, replicaAt } from '../../src/testing/catalog-contract/harness.ts';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-restarts-'));
let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await server[Symbol.asyncDispose]();
});

type Open = (boot: string) => Promise<Catalog>;
const engines: Record<string, () => Promise<Open>> = {
  SQLite: async () => {
    const path = join(mkdtempSync(join(directory, 'catalog-')), 'catalog.db');
    return (boot) => openSqliteCatalog({ path, boot });
  },
  'SQLite in process': async () => {
    const path = join(mkdtempSync(join(directory, 'catalog-')), 'catalog.db');
    return (boot) => openSqliteCatalog({ path, boot, thread: false });
  },
  PostgreSQL: async () => {
    const url = await server.createDatabase();
    return (boot) => openPostgresCatalog({ url, boot });
  },
};

const near = 'test:near';
const query = { scope: 'data', prefix: '', limit: 10, stores: [near], deleted: false, details: false };

describe.each(Object.keys(engines))('a soft copy in %s', (engine) => {
  /** A catalog with one object whose copy was written in the start `first` of the machine; the id of its version. */
  async function afterFirstStart(): Promise<{ open: Open; versionId: number }> {
    const open = await (engines[engine] as () => Promise<Open>)();
    await using catalog = await open('first');
    const replicas = [{ store: near, title: 'near', priority: 1 }];
    await catalog.openScope({ name: 'data', title: 'data', source: 'test:source', replicas, standing: true });
    const change = {
      scope: 'data',
      name: 'a',
      follows: undefined,
      content: contentOf('a'),
      operation: '01920000-0000-7000-8000-000000000001',
      replicas: [replicaAt(near, 'a'), replicaAt('test:source', 'a')],
    };
    const { changes } = await catalog.record({ soft: [near], changes: [change] });
    return { open, versionId: changes[0]?.kind === 'recorded' ? changes[0].versionId : -1 };
  }

  test('is available to the next process of the same start', async () => {
    const { open } = await afterFirstStart();
    await using catalog = await open('first');
    expect(await nearReplica(catalog)).toMatchObject({ state: 'AVAILABLE', soft: true });
  });

  test('is suspicious after another start, wherever it is told of; durable ones are not', async () => {
    const { open } = await afterFirstStart();
    await using catalog = await open('second');
    const row = await catalog.readObject('data', 'a');
    expect(Object.fromEntries((row?.replicas ?? []).map(({ store, state }) => [store, state]))).toEqual({
      [near]: 'SUSPICIOUS',
      'test:source': 'AVAILABLE',
    });
    expect((await catalog.scanScope(query)).replicas[0]?.states).toEqual(['SUSPICIOUS']);
    expect((await catalog.status()).replicas).toMatchObject([
      { store: near, state: 'SUSPICIOUS', soft: false },
      { state: 'AVAILABLE', soft: false },
    ]);
    expect(await catalog.beginFlush(near)).toEqual([]);
  });

  test('is durable once it was read again after another start', async () => {
    const { open, versionId } = await afterFirstStart();
    await using catalog = await open('second');
    const to = { state: 'AVAILABLE', place: 'a', token: 'token of a', verification: 'read-back' } as const;
    await catalog.record({ replicas: [{ scope: 'data', name: 'a', versionId, store: near, to }] });
    const replica = await nearReplica(catalog);
    expect(replica).toMatchObject({ state: 'AVAILABLE' });
    expect(replica?.soft).toBeUndefined();
  });
});

async function nearReplica(catalog: Catalog): Promise<Replica | undefined> {
  const row = await catalog.readObject('data', 'a');
  return row?.replicas.find(({ store }) => store === near);
}

test('the system names its start, and the same one each time', () => {
  expect(systemBoot()).toMatch(/./);
  expect(systemBoot()).toBe(systemBoot());
});
