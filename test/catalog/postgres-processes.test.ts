import type { Client } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import type { Catalog, ChangeOutcome, RecordBatch } from '../../src/ports/catalog.ts';
import {
  CatalogContract,
  contentOf,
  holderOf,
  replicaAt,
  type TestScope,
} from '../../src/testing/catalog-contract/harness.ts';
import { connect, type Databases, startPostgres } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';

let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Two processes' view of one catalog, a scope in it, and a bare connection to look from outside. */
interface Two extends AsyncDisposable {
  readonly one: CatalogContract;
  readonly other: CatalogContract;
  readonly scope: TestScope;
  readonly outside: Client;
  readonly url: string;
}

async function openTwo(): Promise<Two> {
  const url = await server.createDatabase();
  const catalogs = [await openPostgresCatalog({ url }), await openPostgresCatalog({ url })] as const;
  const one = new CatalogContract(() => catalogs[0]);
  const other = new CatalogContract(() => catalogs[1]);
  // Operations of the two must differ, as two processes' ids do.
  other.operation = () => one.operation();
  const scope = await one.openScope();
  const outside = await connect(url);
  return {
    one,
    other,
    scope,
    outside,
    url,
    async [Symbol.asyncDispose]() {
      await outside.end();
      for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
    },
  };
}

/** Waits until so many transactions wait for a lock. */
async function untilBlocked(two: Two, count: number, patienceMs = 20_000): Promise<void> {
  const end = performance.now() + patienceMs;
  while (performance.now() < end) {
    const { rows } = await two.outside.query('select count(*) as waiting from pg_locks where not granted');
    if (Number(rows[0]?.waiting) >= count) return;
    await sleep(10);
  }
}

/**
 * Starts a record of the first process and holds it back after everything but its commit: the outcome of its operation meets
 * a row of the same id that is not committed yet. Released, that row goes again.
 */
async function holdBeforeCommit(two: Two, batch: RecordBatch) {
  const operation = { id: 'held', fingerprint: '', outcome: '', createdMs: 0 };
  await two.outside.query('begin');
  await two.outside.query("insert into operation (id, fingerprint, outcome, created_ms) values ('held', '', '', 0)");
  const record = two.one.catalog.record({ ...batch, operation });
  await untilBlocked(two, 1);
  return {
    /** When the rival waits as well, or, where nothing holds it back, has had time to be done. */
    async release(): Promise<readonly ChangeOutcome[]> {
      await untilBlocked(two, 2, 1000);
      await two.outside.query('rollback');
      return (await record).changes;
    },
  };
}

describe('slots of several processes', () => {
  it('are different, so that none waits for the other, and belong to one site', async () => {
    await using two = await openTwo();
    const [one, other] = [await two.one.catalog.site(), await two.other.catalog.site()];
    expect(one.id).toBe(other.id);
    expect(new Set([one.slot, other.slot])).toEqual(new Set([1, 2]));
    expect(one.incarnation).not.toBe(other.incarnation);
  });

  it('are used again, with their incarnation and counter, when their process has gone', async () => {
    await using two = await openTwo();
    const gone = await openPostgresCatalog({ url: two.url });
    const before = new CatalogContract(() => gone);
    await before.recordOne(before.put(two.scope, 'a'));
    const site = await gone.site();
    await gone[Symbol.asyncDispose]();
    await using next = await openPostgresCatalog({ url: two.url });
    expect(await next.site()).toEqual(site);
    expect(site).toMatchObject({ slot: 3, counter: 1 });
  });

  it('that were taken from a process that slept are not written by it: it takes another', async () => {
    await using two = await openTwo();
    await two.one.recordOne(two.one.put(two.scope, 'a'));
    await two.outside.query("update slot set holder = 'somebody else' where number = 1");
    await two.one.recordOne(two.one.put(two.scope, 'b'));
    const slept = await two.one.catalog.site();
    expect(slept).toMatchObject({ slot: 3, counter: 1 });
    const { rows } = await two.outside.query('select counter from slot where number = 1');
    expect(rows).toEqual([{ counter: '1' }]);
  });
});

describe('numbers of one slot', () => {
  it('commit in their order: who took one holds the next back until it ends', async () => {
    await using two = await openTwo();
    const { slot, counter } = await two.one.catalog.site();
    await two.outside.query('begin');
    await two.outside.query('update slot set counter = counter + 1 where number = $1', [slot]);
    let done = false;
    const record = two.one.recordOne(two.one.put(two.scope, 'a')).then((id) => {
      done = true;
      return id;
    });
    await untilBlocked(two, 1);
    expect(done).toBe(false);
    // A process with a slot of its own does not wait.
    await two.other.recordOne(two.other.put(two.scope, 'b'));
    await two.outside.query('commit');
    await record;
    expect((await two.one.read(two.scope, 'a')).current.dot.counter).toBe(counter + 2);
  });

  it('are seen by nobody before those below them, while one transaction is held open between number and commit', async () => {
    await using two = await openTwo();
    await two.one.recordOne(two.one.put(two.scope, 'first'));
    const { counter } = await two.one.catalog.site();
    // The next record takes its number, then waits for this row.
    await two.outside.query('begin');
    await two.outside.query('select * from considered for update');
    const records = ['a', 'b', 'c'].map((name) => two.one.recordOne(two.one.put(two.scope, name)));
    await untilBlocked(two, 1);
    const watcher = await connect(two.url);
    const committed = async () => {
      const { rows } = await watcher.query<{ counter: string }>('select counter from version order by counter');
      return rows.map((row) => Number(row.counter));
    };
    expect(await committed()).toEqual([counter]);
    await two.outside.query('commit');
    const seen: number[][] = [];
    const watching = (async () => {
      while ((seen.at(-1)?.length ?? 0) < 4) seen.push(await committed());
    })();
    await Promise.all([...records, watching]);
    await watcher.end();
    for (const numbers of seen) expect(numbers).toEqual(numbers.map((_, at) => counter + at));
  });
});

describe('the journal', () => {
  it('has an entry of every change, at its slot and position, as soon as a peer exists', async () => {
    await using two = await openTwo();
    const scope = await two.one.openOwnScope();
    const before = await two.one.recordOne(two.one.put(scope, 'before'));
    const peer = { name: 'peer', url: 'http://peer', direction: 'both', mode: 'async', scopes: undefined } as const;
    await two.one.catalog.addPeer(peer);
    const put = await two.one.recordOne(two.one.put(scope, 'a'));
    const removed = await two.other.recordOne(two.other.remove(scope, 'a', put));
    const { rows } = await two.outside.query(
      'select slot, position, counter, kind, object, version from journal order by version',
    );
    expect(rows.map((row) => Object.values(row).map(Number))).toEqual([
      [1, 1, 2, 0, put, put],
      [2, 1, 1, 1, put, removed],
    ]);
    expect(before).toBeLessThan(put);
  });
});

describe('two processes that claim', () => {
  it('are never given the same request', async () => {
    await using two = await openTwo();
    const requests = [{ kind: 'copy', store: two.scope.near, reason: 'repair', priority: 2 }] as const;
    await two.one.record(...Array.from({ length: 500 }, (_, at) => two.one.put(two.scope, `${at}`, { requests })));
    const claim = async (contract: CatalogContract): Promise<number[]> => {
      const ids: number[] = [];
      for (;;) {
        const claimed = await contract.claim(two.scope, { limit: 7 });
        if (claimed.length === 0) return ids;
        ids.push(...claimed.map(({ lease }) => lease.requestId));
      }
    };
    const ids = (await Promise.all([two.one, two.one, two.other, two.other].map(claim))).flat();
    expect(ids).toHaveLength(500);
    expect(new Set(ids).size).toBe(500);
  });

  it('do not wait for requests that the other one is just claiming', async () => {
    await using two = await openTwo();
    const first = await two.one.queueCopy(two.scope, 'a');
    const second = await two.one.queueCopy(two.scope, 'b');
    await two.outside.query('begin');
    await two.outside.query('select id from request where version = $1 for update', [first]);
    expect((await two.other.claim(two.scope)).map(({ versionId }) => versionId)).toEqual([second]);
    await two.outside.query('rollback');
    expect((await two.one.claim(two.scope)).map(({ versionId }) => versionId)).toEqual([first]);
  });
});

describe('two processes that write the same objects', () => {
  it('make one version of a new object: the other is told of it', async () => {
    await using two = await openTwo();
    for (let round = 0; round < 20; round++) {
      const outcomes = await Promise.all(
        [two.one, two.other].map((contract, at) =>
          contract.record(contract.put(two.scope, `new-${round}`, { content: contentOf(`${at}`) })),
        ),
      );
      const { id } = (await two.one.read(two.scope, `new-${round}`)).current;
      expect(new Set(outcomes.flat().map(({ kind }) => kind))).toEqual(new Set(['conflict', 'recorded']));
      expect(outcomes.flat()).toContainEqual({ kind: 'conflict', currentId: id });
    }
  });

  it('in opposite order come through, with one version each', async () => {
    await using two = await openTwo();
    const names = Array.from({ length: 60 }, (_, at) => `object-${at}`);
    for (let round = 0; round < 5; round++) {
      const scopeNames = names.map((name) => `${round}/${name}`);
      const [forth, back] = await Promise.all([
        two.one.record(...scopeNames.map((name) => two.one.put(two.scope, name, { content: contentOf('1') }))),
        two.other.record(
          ...scopeNames.toReversed().map((name) => two.other.put(two.scope, name, { content: contentOf('2') })),
        ),
      ]);
      for (const [at] of names.entries()) {
        const kinds = [forth[at]?.kind, back[names.length - 1 - at]?.kind];
        expect(new Set(kinds)).toEqual(new Set(['conflict', 'recorded']));
      }
    }
  });

  it('never leave a copy available that a tombstone passed on its way', async () => {
    await using two = await openTwo();
    const to = { state: 'AVAILABLE', place: 'p', token: 't', verification: 'written' } as const;
    for (let round = 0; round < 30; round++) {
      const name = `raced-${round}`;
      const versionId = await two.one.recordOne(two.one.put(two.scope, name));
      await Promise.all([
        two.one.recordOne(two.one.remove(two.scope, name, versionId)),
        two.other.catalog.record({ replicas: [{ scope: two.scope.name, name, versionId, store: two.scope.near, to }] }),
      ]);
      expect((await two.one.read(two.scope, name)).replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
    }
    expect(await two.one.claim(two.scope, { limit: 1000 })).toHaveLength(30);
  });

  it('wait for each other from the moment one has read the object: the second sees what the first one left', async () => {
    await using two = await openTwo();
    const first = await two.one.recordOne(two.one.put(two.scope, 'a'));
    const held = await holdBeforeCommit(two, { changes: [two.one.put(two.scope, 'a', { follows: first })] });
    const rival = two.other.record(two.other.put(two.scope, 'a', { follows: first, content: contentOf('2') }));
    const [recorded] = await held.release();
    expect(recorded?.kind).toBe('recorded');
    expect(await rival).toEqual([{ kind: 'conflict', currentId: (await two.one.read(two.scope, 'a')).current.id }]);
  });

  it('never leave a copy available that a tombstone under way does not see', async () => {
    await using two = await openTwo();
    const versionId = await two.one.recordOne(two.one.put(two.scope, 'a'));
    const held = await holdBeforeCommit(two, { changes: [two.one.remove(two.scope, 'a', versionId)] });
    const to = { state: 'AVAILABLE', place: 'p', token: 't', verification: 'written' } as const;
    const late = { scope: two.scope.name, name: 'a', versionId, store: two.scope.near, to };
    const copied = two.other.catalog.record({ replicas: [late] });
    await held.release();
    await copied;
    expect((await two.one.read(two.scope, 'a')).replicas).toMatchObject([{ state: 'BEING_DELETED' }]);
  });

  it('and block each other are untangled: the one that was rolled back is run again', async () => {
    await using two = await openTwo();
    await two.one.record(two.one.put(two.scope, 'a'), two.one.put(two.scope, 'b'));
    const lock = 'select 1 from object where name = $1 for update';
    // Who waited longest looks first whether it is blocked for ever: that shall be the catalog.
    await two.outside.query("set deadlock_timeout = '20s'");
    await two.outside.query('begin');
    await two.outside.query(lock, ['b']);
    const [a, b] = [await two.one.read(two.scope, 'a'), await two.one.read(two.scope, 'b')];
    const both = two.one.record(
      two.one.put(two.scope, 'a', { follows: a.current.id, content: contentOf('2') }),
      two.one.put(two.scope, 'b', { follows: b.current.id, content: contentOf('2') }),
    );
    await untilBlocked(two, 1);
    await two.outside.query(lock, ['a']);
    await two.outside.query('commit');
    expect((await both).map(({ kind }) => kind)).toEqual(['recorded', 'recorded']);
  });

  it('under a sync that is taken over record nothing more from the moment it is', async () => {
    await using two = await openTwo();
    const first = await two.one.catalog.beginSync(two.one.sync(two.scope));
    if (first.kind !== 'begun') throw new Error('held');
    const outcomes: boolean[] = [];
    let takenAt = Number.POSITIVE_INFINITY;
    const writing = (async () => {
      for (let at = 0; at < 100_000; at++) {
        const { fenced } = await two.one.catalog.record({
          lease: first.lease,
          changes: [two.one.put(two.scope, `${at}`)],
        });
        outcomes.push(fenced);
        if (fenced) return;
      }
    })();
    await sleep(20);
    const sync = two.other.sync(two.scope, { holder: holderOf(2), deadHolders: [holderOf(1)] });
    expect((await two.other.catalog.beginSync(sync)).kind).toBe('begun');
    takenAt = (await two.other.catalog.status()).objects;
    await writing;
    expect((await two.other.catalog.status()).objects).toBe(takenAt);
    expect(outcomes.at(-1)).toBe(true);
  });
});

describe('a PostgreSQL server that dies', () => {
  it('loses nothing it acknowledged, and the catalog goes on when it is back', { timeout: 60_000 }, async () => {
    await using durable = await startPostgres({ durable: true });
    await using catalog = await openPostgresCatalog({ url: await durable.createDatabase() });
    const contract = new CatalogContract(() => catalog);
    const scope = await contract.openScope();
    const acknowledged: string[] = [];
    let going = true;
    const lanes = Array.from({ length: 8 }, async (_, lane) => {
      for (let at = 0; going; at++) {
        const name = `${lane}-${at}`;
        const replicas = [replicaAt(scope.source, name)];
        await contract.record(contract.put(scope, name, { replicas })).then(
          () => acknowledged.push(name),
          (error: unknown) => expectUnavailable(error),
        );
      }
    });
    while (acknowledged.length < 100) await sleep(10);
    await durable.kill();
    await sleep(100);
    going = false;
    await Promise.all(lanes);
    await durable.start();
    for (const name of acknowledged) expect((await recovered(catalog, scope, name))?.replicas).toHaveLength(1);
    await contract.recordOne(contract.put(scope, 'after'));
    await using outside = await connect(catalog.location.replace('//', '//postgres@'));
    const { rows } = await outside.query('select counter from version order by counter');
    expect(rows.map(({ counter }) => Number(counter))).toEqual(rows.map((_, at) => at + 1));
  });

  function recovered(catalog: Catalog, scope: TestScope, name: string) {
    return catalog.readObject(scope.name, name).catch((error: unknown) => {
      expectUnavailable(error);
      return catalog.readObject(scope.name, name);
    });
  }

  function expectUnavailable(error: unknown): void {
    expect(error).toMatchObject({ name: 'CatalogError', kind: 'unavailable' });
  }
});
