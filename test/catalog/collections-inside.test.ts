import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ObjectName } from '../../src/domain/object/object-name.ts';
import { type RuleEvent, type RuleStatus, transitionRule } from '../../src/domain/rule/rule-state.ts';
import type { CollectionKind } from '../../src/domain/collection/collection.ts';
import { CatalogContract } from '../../src/testing/catalog-contract/harness.ts';
import type { Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { type InsideOut, openPostgresInside, openSqliteInside } from './looking-inside.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-collections-'));
let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await server[Symbol.asyncDispose]();
});

const engines: Record<string, () => Promise<InsideOut>> = {
  SQLite: () => openSqliteInside(directory),
  PostgreSQL: () => openPostgresInside(server),
};

describe.each(Object.keys(engines))('collections in %s', (engine) => {
  it('make the rules over them and over all that hold them due, and no others', async () => {
    await using world = await openWorld(engine);
    const { inside, catalog } = world;
    for (const one of ['top', 'middle', 'aside']) await world.make('container', one);
    for (const one of ['d', 'other']) await world.make('dataset', one);
    await catalog.attach(name('top'), [name('middle'), name('aside')]);
    await catalog.attach(name('middle'), [name('d')]);
    await catalog.attach(name('aside'), [name('other')]);
    const due: Record<string, number> = {};
    for (const one of ['top', 'middle', 'd', 'aside', 'other']) due[one] = await world.rule({ state: 'OK' }, one);
    const twice = await world.rule({ state: 'STUCK' }, 'd', 'top');
    const ofObject = await world.rule({ state: 'OK' }, 'nothing');

    expect(await catalog.attach(name('d'), [name('a')])).toMatchObject({ kind: 'changed' });
    const injected = await inside.query("select id from rule where state = 'INJECT' and flag = 0 order by id");
    expect(injected.map(({ id }) => id)).toEqual([due['top'], due['middle'], due['d'], twice]);
    expect(await inside.query(`select state from rule where id = ${ofObject}`)).toEqual([{ state: 'OK' }]);
    const [waits] = await inside.query('select count(*) as n from rule where due_ms is not null and due_ms > 0');
    expect(waits).toEqual({ n: 4 });
  });

  const states: readonly [RuleStatus, flag: number][] = [
    [{ state: 'WAITING_APPROVAL' }, 0],
    [{ state: 'INJECT', again: false }, 0],
    [{ state: 'INJECT', again: true }, 1],
    [{ state: 'SUSPENDED', isApplied: true }, 1],
    [{ state: 'SUSPENDED', isApplied: false }, 0],
    [{ state: 'REPLICATING' }, 0],
    [{ state: 'OK' }, 0],
    [{ state: 'STUCK' }, 0],
  ];

  it('change a rule in each state as the table of its transitions says', async () => {
    await using world = await openWorld(engine);
    const { inside, catalog } = world;
    await world.make('dataset', 'd');
    const ids: number[] = [];
    for (const [status, flag] of states) ids.push(await world.rule({ ...status, flag, position: 'at' }, 'd'));
    await catalog.attach(name('d'), [name('a')]);
    const facts = { counts: { ok: 0, replicating: 0, stuck: 0 }, missingCopies: 0, isLocked: false };
    for (const [at, [status]] of states.entries()) {
      const to = transitionRule(status, 'content-changed' satisfies RuleEvent, facts);
      if (to.kind !== 'moved' && to.kind !== 'unchanged') throw new Error('content changes are never refused');
      const [row] = await inside.query(`select state, flag, position, due_ms from rule where id = ${ids[at]}`);
      const isFlagged = (to.to.state === 'INJECT' && to.to.again) || (to.to.state === 'SUSPENDED' && to.to.isApplied);
      expect(row).toMatchObject({ state: to.to.state, flag: isFlagged ? 1 : 0 });
      // What is under way goes on where it is; what begins anew begins at the first page. Both now.
      const isDue = to.kind === 'moved' && to.to.state === 'INJECT';
      expect(row?.['due_ms']).toEqual(isDue ? expect.any(Number) : null);
      if (isDue && status.state !== 'INJECT') expect(row?.['position']).toBeNull();
      if (status.state === 'INJECT') expect(row?.['position']).toBe('at');
    }
  });

  it('leave rules alone where nothing came or went, and tell them of a member that went', async () => {
    await using world = await openWorld(engine);
    const { inside, catalog } = world;
    await world.make('dataset', 'd');
    await catalog.attach(name('d'), [name('a')]);
    await world.rule({ state: 'OK' }, 'd');
    const state = async () => (await inside.query('select state from rule'))[0]?.['state'];
    await catalog.attach(name('d'), [name('a')]);
    await catalog.attach(name('d'), [name('none')]);
    await catalog.detach(name('d'), [name('b')]);
    await catalog.setCollectionOpen(name('d'), false);
    await catalog.setCollectionOpen(name('d'), true);
    expect(await state()).toBe('OK');
    await catalog.detach(name('d'), [name('a')]);
    expect(await state()).toBe('INJECT');
  });

  it('have numbers as all changes, and are told to no peer yet', async () => {
    await using world = await openWorld(engine);
    const { inside, catalog } = world;
    await world.make('dataset', 'd');
    await catalog.attach(name('d'), [name('a')]);
    await catalog.addPeer({ name: 'far', url: 'http://far', direction: 'both', mode: 'async', scopes: undefined });
    const { counter } = await catalog.site();
    await world.make('container', 'c');
    await catalog.attach(name('c'), [name('d')]);
    await catalog.attach(name('d'), [name('b'), name('a')]);
    const dots = await inside.query(`select actor, counter from dataset_object order by counter`);
    await catalog.detach(name('d'), [name('b')]);
    await catalog.setCollectionOpen(name('d'), false);
    await catalog.setCollectionOpen(name('d'), false);

    const id = async (of: string) =>
      Number((await inside.query(`select id from collection where name = '${of}'`))[0]?.['id']);
    const d = await id('d');
    expect(await inside.query('select * from journal')).toEqual([]);
    expect(dots[1]?.['counter']).toBe(counter + 3);
    const [said] = await inside.query(`select counter, is_open from collection where id = ${d}`);
    expect(said).toEqual({ counter: counter + 5, is_open: 0 });
  });

  it('are in scopes that have no source, which one that has keeps', async () => {
    await using world = await openWorld(engine);
    const { inside, catalog } = world;
    const { name: scope, source } = world.scope;
    const sources = () =>
      inside.query('select s.name, s.title, t.place from scope s left join store t on t.id = s.source order by s.name');
    await catalog.putCollection({ scope: 'user.jdoe', name: 'd', kind: 'dataset', isMonotonic: false });
    const without = { title: 'another', source: undefined, replicas: [], standing: false };
    await catalog.openScope({ ...without, name: scope });
    await catalog.openScope({ ...without, name: 'user.jdoe' });
    expect(await sources()).toEqual([
      { name: scope, title: scope, place: source },
      { name: 'user.jdoe', title: 'another', place: null },
    ]);
    await catalog.openScope({ ...without, name: 'user.jdoe', title: 'sourced', source: 'test:uploads' });
    expect((await sources())[1]).toEqual({ name: 'user.jdoe', title: 'sourced', place: 'test:uploads' });
  });
});

function name(text: string): ObjectName {
  return { scope: 'scope-1', name: text };
}

async function openWorld(engine: string) {
  const inside = await (engines[engine] as () => Promise<InsideOut>)();
  const { catalog } = inside;
  const contract = new CatalogContract(() => catalog);
  const scope = await contract.openScope();
  for (const one of ['a', 'b']) await contract.recordOne(contract.put(scope, one));
  let rules = 0;
  return {
    inside,
    catalog,
    scope,
    make: (kind: CollectionKind, text: string) => catalog.putCollection({ ...name(text), kind, isMonotonic: false }),
    /** A rule over these collections; its number. */
    async rule(
      { state, flag = 0, position }: { state: string; flag?: number; position?: string },
      ...targets: readonly string[]
    ): Promise<number> {
      const id = ++rules;
      await inside.query(
        `insert into rule (id, same, turn_missing, told, origin, account, copies, expression, grouping, activity, priority, locked, purge,
           ignore_availability, besides_authoritative, by_policy, state, flag, position, ok, replicating, stuck, missing,
           times_stuck, created_ms, updated_ms, token)
         values (${id}, 'rule ${id}', 0, 0, 'account', 'jdoe', 1, '*', 'dataset', 'user', 3, 0, 0, 0, 0, 0, '${state}', ${flag},
           ${position === undefined ? 'null' : `'${position}'`}, 0, 0, 0, 0, 0, 0, 0, 0)`,
      );
      for (const target of targets) {
        await inside.query(
          `insert into rule_target (rule, kind, target, scope, pattern)
           select ${id}, 2, c.id, c.scope, '' from collection c where c.name = '${target}'`,
        );
      }
      return id;
    },
    [Symbol.asyncDispose]: () => inside[Symbol.asyncDispose](),
  };
}
