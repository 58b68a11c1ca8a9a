import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, test } from 'vitest';
import { CATALOGS, useCatalogs } from '../servers/use-catalogs.ts';
import { connect } from '../servers/postgres.ts';
import { checkGroups, GROUP_STORES, type GroupWorld } from './groups-model.ts';
import { RuleWorld } from './rule-world.ts';

const soak = process.env['PANDO_SOAK'] === '1';

describe.each(CATALOGS)('groups on %s', (kind) => {
  const catalogUrl = useCatalogs(kind);

  async function open(): Promise<RuleWorld> {
    return new RuleWorld({ data: 'site: home', ...GROUP_STORES }, '', await catalogUrl());
  }

  async function openInside(): Promise<GroupWorld> {
    const url = await catalogUrl();
    const world = new RuleWorld({ data: 'site: home', ...GROUP_STORES }, '', url);
    await world.pando.catalog();
    if (url !== undefined) {
      const outside = await connect(url);
      return {
        world,
        query: async (text) => (await outside.query<unknown[]>({ text, rowMode: 'array' })).rows,
        async [Symbol.asyncDispose]() {
          await outside.end();
          await world[Symbol.asyncDispose]();
        },
      };
    }
    const outside = new DatabaseSync(join(world.root, 'catalog.sqlite'));
    return {
      world,
      async query(text) {
        const statement = outside.prepare(text);
        statement.setReturnArrays(true);
        return statement.all() as unknown as unknown[][];
      },
      async [Symbol.asyncDispose]() {
        outside.close();
        await world[Symbol.asyncDispose]();
      },
    };
  }

  test('overlapping datasets in containers: one lock for each rule and store, and each group in one place', async () => {
    await using world = await open();
    const names = ['p', 'q', 'r', 's', 't', 'u'];
    for (const name of names) await world.put('data', name, `the bytes of ${name}`);
    const catalog = await world.pando.catalog();
    const named = (...all: string[]) => all.map((name) => ({ scope: 'data', name }));
    for (const name of ['one', 'two'])
      await catalog.putCollection({ scope: 'data', name, kind: 'dataset', isMonotonic: false });
    for (const name of ['top', 'middle'])
      await catalog.putCollection({ scope: 'data', name, kind: 'container', isMonotonic: false });
    const [one, two, top, middle] = named('one', 'two', 'top', 'middle') as [never, never, never, never];
    await catalog.attach(one, named('p', 'q', 'r'));
    await catalog.attach(two, named('r', 's', 't'));
    await catalog.attach(middle, named('two'));
    await catalog.attach(top, named('one', 'middle', 'two'));
    const terms = { copies: 2, stores: 'a|b|c|d' } as const;
    const rules = await world.rules();
    const ids: Record<string, number> = {};
    // Each object but the last is reached in more than one way: by name, by two datasets, by three ways through containers, and by a pattern.
    // The first one scatters them, so that no bytes draw the others together.
    for (const grouping of ['none', 'dataset', 'all'] as const) {
      const targets = ['data:top', 'data:two', 'data:r', 'data:[p-u]'];
      const stores = { all: terms.stores, dataset: 'd|c|b|a', none: 'a|c|b|d' }[grouping];
      ids[grouping] = (await rules.add(targets, { ...terms, stores, grouping })).id;
    }
    await world.workHere();
    const storesOf = async (rule: number | undefined) => {
      const locks = await catalog.listLocks({ rule: rule ?? 0, limit: 100 });
      expect(new Set(locks.map(({ name, store }) => `${name} at ${store}`)).size).toBe(locks.length);
      expect(locks.map(({ lock }) => lock.state)).toEqual(locks.map(() => 'OK'));
      expect(await catalog.readRule(rule ?? 0)).toMatchObject({ state: 'OK', counts: { ok: 2 * names.length } });
      const at = Map.groupBy(locks, ({ name }) => name);
      return names.map((name) =>
        (at.get(name) ?? [])
          .map(({ store }) => store)
          .toSorted()
          .join(' '),
      );
    };
    const all = await storesOf(ids['all']);
    expect(new Set(all).size).toBe(1);
    const [p, q, r, s, t] = await storesOf(ids['dataset']);
    expect([q, r, t]).toEqual([p, p, s]);
    await storesOf(ids['none']);
    // Each copy is one file, however many rules want it.
    for (const store of Object.keys(GROUP_STORES)) {
      const files = world.filesAt(store);
      expect(new Set(files).size).toBe(files.length);
    }
    // The object leaves the smaller dataset and is one of the other from then on; another one comes.
    await catalog.detach(one, named('r'));
    await catalog.attach(two, named('u'));
    for (let turn = 0; turn < 3; turn++) await world.workHere();
    const [p2, q2, r2, s2, t2, u2] = await storesOf(ids['dataset']);
    expect([q2, r2, t2, u2]).toEqual([p2, s2, s2, s2]);
  });

  test('after any sequence counters are the sums of the locks, and in the end each group is where its rule wants it', {
    timeout: soak ? 3_600_000 : 120_000,
  }, async () => {
    await checkGroups(openInside, soak ? 1000 : 8);
  });
});
