import { describe, expect, it } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { GroupCommit } from '../../src/catalog/group-commit.ts';
import { EVENTS_MAX } from '../../src/catalog/verbs/events.ts';
import type { Session } from '../../src/catalog/session.ts';
import { SqliteBell } from '../../src/catalog/sqlite-bell.ts';
import { SqliteConnection } from '../../src/catalog/sqlite-connection.ts';
import { sqliteError } from '../../src/catalog/sqlite-errors.ts';
import { systemClock } from '../../src/catalog/system.ts';
import { CatalogError } from '../../src/ports/catalog.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { holderOf } from '../../src/testing/catalog-contract/harness.ts';

/** A connection that notes what is said to it. */
class NotingConnection extends SqliteConnection {
  readonly said: string[] = [];
  failNext: string | undefined;

  override exec(sql: string): void {
    this.said.push(sql);
    if (this.failNext === sql) {
      this.failNext = undefined;
      throw Object.assign(new Error('database or disk is full'), { errcode: 13 });
    }
    super.exec(sql);
  }
}

describe('group commit', () => {
  it('lets writers that wait together share one transaction, and resolves them after its commit', async () => {
    const { group, connection, insert } = open();
    const order: string[] = [];
    const writes = [1, 2, 3].map((n) => insert(n).then(() => order.push(`${n} after ${connection.said.at(-1)}`)));
    await Promise.all(writes);
    expect(order).toEqual(['1 after commit', '2 after commit', '3 after commit']);
    expect(connection.said.filter((sql) => sql === 'commit')).toHaveLength(1);
    expect(await rowsOf(group, connection)).toEqual([1, 2, 3]);
  });

  it('takes back only the savepoint of a verb that fails', async () => {
    const { group, connection, insert } = open();
    const failing = group.write(async () => {
      connection.exec('insert into t values (99)');
      await Promise.resolve();
      throw new Error('its ground has changed');
    });
    const outcomes = await Promise.allSettled([insert(1), failing, insert(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(connection.said.filter((sql) => sql === 'commit')).toHaveLength(1);
    expect(await rowsOf(group, connection)).toEqual([1, 2]);
  });

  it('fails all of them when the commit fails, and goes on with the next', async () => {
    const { group, connection, insert } = open();
    connection.failNext = 'commit';
    const outcomes = await Promise.allSettled([insert(1), insert(2)]);
    for (const outcome of outcomes) {
      expect(outcome.status === 'rejected' && outcome.reason).toBeInstanceOf(CatalogError);
      expect(outcome.status === 'rejected' && outcome.reason).toMatchObject({ kind: 'full' });
    }
    await insert(3);
    expect(await rowsOf(group, connection)).toEqual([3]);
  });

  it('fails one writer when a transaction cannot begin, and tries again with the others', async () => {
    const { group, connection, insert } = open();
    connection.failNext = 'begin immediate';
    const outcomes = await Promise.allSettled([insert(1), insert(2)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(await rowsOf(group, connection)).toEqual([2]);
  });

  it('waits for what is queued before it closes', async () => {
    const { group, insert } = open();
    const last = insert(1);
    await group.close();
    await last;
    await expect(insert(2)).rejects.toThrow('closed');
  });

  it('commits to disk: a full fsync of the log for every commit', () => {
    const { connection } = open();
    expect(connection.prepare('pragma synchronous').get()).toMatchObject({ synchronous: 2 });
    expect(connection.prepare('pragma journal_mode').get()).toMatchObject({ journal_mode: 'memory' });
  });

  function open() {
    const connection = new NotingConnection(':memory:', systemClock);
    connection.exec('create table t (n integer not null)');
    const known = { scopes: forgetful, stores: forgetful, actors: forgetful, slot: forgetful };
    const group = new GroupCommit({
      connection,
      session: { known } as unknown as Session,
      bell: new SqliteBell(connection, systemClock),
      translate: (error) => sqliteError(error, 'test'),
      schedule: queueMicrotask,
    });
    const insert = (n: number) => group.write(async () => connection.exec(`insert into t values (${n})`));
    return { group, connection, insert };
  }

  function rowsOf(group: GroupCommit, connection: SqliteConnection): Promise<unknown[]> {
    return group.read(async () =>
      connection
        .prepare('select n from t order by n')
        .all()
        .map(({ n }) => n),
    );
  }
});

const forgetful = { forget: () => {} };

describe('a catalog in process', () => {
  it('keeps the newest events only', async () => {
    await using catalog = await openSqliteCatalog({ path: ':memory:', thread: false });
    const events = Array.from({ length: EVENTS_MAX }, (_, at) => ({ kind: 'counted', scope: 's', detail: `${at}` }));
    await catalog.recordEvents(events);
    await catalog.recordEvents([{ kind: 'last', scope: 's', detail: '' }]);
    const [first, second] = await catalog.listEvents({ limit: 2 });
    expect([first?.detail, second?.detail]).toEqual(['1', '2']);
    expect(await catalog.listEvents({ after: EVENTS_MAX, limit: 5 })).toMatchObject([{ kind: 'last' }]);
  });

  it('lets its callers see only microtasks', async () => {
    await using catalog = await openSqliteCatalog({ path: ':memory:', thread: false });
    let turns = 0;
    const count = () => {
      turns++;
    };
    setImmediate(count);
    process.nextTick(count);
    await Promise.resolve();
    turns = 0;
    setImmediate(count);
    await catalog.openScope({ name: 's', title: 's', source: 'test:s', replicas: [], standing: true });
    for (let at = 0; at < 20; at++) {
      const operation = `01920000-0000-7000-8000-${String(at).padStart(12, '0')}`;
      const content = { kind: 'tombstone' } as const;
      const change = { scope: 's', name: `${at}`, follows: undefined, content, operation, replicas: [] };
      await Promise.all([catalog.record({ changes: [change] }), catalog.readObject('s', `${at}`), catalog.status()]);
    }
    expect(turns).toBe(0);
  });

  it('takes time from the clock it was given, for versions and for leases', async () => {
    let nowMs = 1_000_000;
    const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {}, alarm: () => () => {} };
    await using catalog = await openSqliteCatalog({ path: ':memory:', thread: false, clock });
    const sync = { scope: 's', prefix: '', source: 'a', targets: ['b'], leaseMs: 60_000, deadHolders: [] };
    const first = await catalog.beginSync({ ...sync, id: 'first', holder: holderOf(1) });
    expect(first.kind).toBe('begun');
    nowMs += 59_999;
    const early = await catalog.beginSync({ ...sync, id: 'second', holder: holderOf(2) });
    expect(early).toMatchObject({ kind: 'held', sinceMs: 1_000_000, untilMs: 1_060_000 });
    nowMs += 1;
    expect((await catalog.beginSync({ ...sync, id: 'third', holder: holderOf(2) })).kind).toBe('begun');
  });
});
