import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgresCatalog } from '../../src/catalog/open-postgres.ts';
import { CatalogContract, replicaAt, sleep } from '../../src/testing/catalog-contract/harness.ts';
import { addRule, applyRule, arrival, endRule, ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import { connect, type Databases } from '../servers/postgres.ts';
import { openPostgres } from '../servers/shared.ts';
import { checkRuleContents } from './rule-contents.ts';
import { checkRulesAgainstSums } from './rules-model.ts';
import type { OpenedForRules } from './rules-opened.ts';

const soak = process.env['PANDO_SOAK'] === '1';
let server: Databases;
beforeAll(async () => {
  server = await openPostgres();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function open(): Promise<OpenedForRules> {
  const url = await server.createDatabase();
  const catalog = await openPostgresCatalog({ url });
  const outside = await connect(url);
  return {
    catalog,
    query: async (text) => (await outside.query<unknown[]>({ text, rowMode: 'array' })).rows,
    nowMs: async () => {
      const { rows } = await outside.query<{ ms: string }>(
        `select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`,
      );
      return Number(rows[0]?.ms);
    },
    pass: async () => {},
    async [Symbol.asyncDispose]() {
      await outside.end();
      await catalog[Symbol.asyncDispose]();
    },
  };
}

describe('a PostgreSQL catalog of rules', () => {
  checkRulesAgainstSums(open, soak ? 1000 : 4);
});

describe('the content of a rule in PostgreSQL', () => {
  checkRuleContents(open, soak ? 300 : 5);
});

describe('two who delete from one catalog', () => {
  it('never each delete the spare of the other (I7)', async () => {
    const url = await server.createDatabase();
    await using first = await openPostgresCatalog({ url });
    await using second = await openPostgresCatalog({ url });
    const contract = new CatalogContract(() => first);
    const scope = await contract.openScope();
    const { name, source, far } = scope;
    await first.openScope({ name, title: name, source, replicas: [], standing: true });
    const rounds = soak ? 500 : 40;
    await contract.record(...Array.from({ length: rounds }, (_, at) => contract.put(scope, `object-${at}`)));
    const rule = await addRule(contract, ruleOver(scope, { copies: 2 }));
    await applyRule(contract, rule, [source, far], { pageSize: 1000 });
    const claimed = await contract.claim(scope, { limit: 10_000 });
    await first.settleTransfers(claimed.map((request) => arrival(request)));
    await endRule(contract, rule);
    const here = await first.listReleased(source, { limit: 1000 });
    const there = new Map((await first.listReleased(far, { limit: 1000 })).map((one) => [one.name, one]));
    for (const one of here) {
      const other = there.get(one.name);
      if (other === undefined) throw new Error(`${one.name} was not released`);
      const went = await Promise.all([
        first.condemn([one], { exceptStores: [] }),
        second.condemn([other], { exceptStores: [] }),
      ]);
      expect(went.flat().filter((one) => one)).toHaveLength(1);
    }
    expect(here).toHaveLength(rounds);
  });
});

describe('four who claim within limits on one catalog', () => {
  it.each([
    ['to a store', { incomingMax: 5, outgoingMax: undefined }],
    ['from a store', { incomingMax: undefined, outgoingMax: 5 }],
  ])('never have more under way %s together than there may be, and carry out all', async (_what, max) => {
    const url = await server.createDatabase();
    const catalogs = await Promise.all(Array.from({ length: 4 }, () => openPostgresCatalog({ url })));
    const [first] = catalogs as [(typeof catalogs)[number]];
    const contract = new CatalogContract(() => first);
    const scope = await contract.openScope();
    const { name: title, source, far } = scope;
    await first.openScope({ name: title, title, source, replicas: [], standing: true });
    const names = Array.from({ length: 150 }, (_, at) => `object-${at}`);
    await contract.record(...names.map((name) => contract.put(scope, name, { replicas: [replicaAt(source, name)] })));
    const rule = await addRule(contract, ruleOver(scope));
    await applyRule(contract, rule, [far], { pageSize: 1000 });
    const stores = [source, far].map((store) => ({ store, name: store, ...max }));
    const limits = { stores, pairs: [], shares: [{ activity: 'default', weight: 1 }] };
    let [underWay, most, settled] = [0, 0, 0];
    await Promise.all(
      catalogs.map(async (catalog, at) => {
        while (settled < names.length) {
          const claim = { owner: `worker ${at}`, limit: 17, leaseMs: 60_000, work: 'rule-copies', limits } as const;
          const claimed = await catalog.claimRequests(claim);
          const sources = [{ source, protocol: 'file' }];
          const wanted = claimed.map(({ lease }) => ({ lease, sources }));
          const answers = await catalog.chooseSourcesWithin(wanted, limits);
          const ours = claimed.filter((_, i) => answers[i]?.kind === 'chosen');
          most = Math.max(most, (underWay += ours.length));
          await sleep(2);
          // Before it is recorded: from then on another may have its place.
          underWay -= ours.length;
          const held = await catalog.settleTransfers(ours.map((request) => arrival(request)));
          settled += held.filter((one) => one).length;
        }
      }),
    );
    expect([most, settled]).toEqual([5, names.length]);
    expect(await first.readRule(rule)).toMatchObject({ state: 'OK' });
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
  });
});

describe('four who settle on one catalog', () => {
  it('have each request settled once, and counts that are right', async () => {
    const url = await server.createDatabase();
    const catalogs = await Promise.all(Array.from({ length: 4 }, () => openPostgresCatalog({ url })));
    const [first] = catalogs as [(typeof catalogs)[number]];
    const contract = new CatalogContract(() => first);
    const scope = await contract.openScope();
    await contract.record(...Array.from({ length: 300 }, (_, at) => contract.put(scope, `object-${at}`)));
    const rule = await addRule(contract, ruleOver(scope, { copies: 2 }));
    await applyRule(contract, rule, [scope.source, scope.far], { pageSize: 1000 });
    let settled = 0;
    await Promise.all(
      catalogs.map(async (catalog, at) => {
        for (;;) {
          const claimed = await catalog.claimRequests({ owner: `worker ${at}`, limit: 17, leaseMs: 60_000 });
          if (claimed.length === 0) return;
          const held = await catalog.settleTransfers(claimed.map((request) => arrival(request)));
          settled += held.filter((one) => one).length;
        }
      }),
    );
    expect(settled).toBe(600);
    expect(await first.readRule(rule)).toMatchObject({ state: 'OK', counts: { ok: 600, replicating: 0, stuck: 0 } });
    for (const catalog of catalogs) await catalog[Symbol.asyncDispose]();
  });
});
