import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it, test } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { CatalogContract, replicaAt } from '../../src/testing/catalog-contract/harness.ts';
import { addRule, applyRule, endRule, ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import { checkRuleContents } from './rule-contents.ts';
import { checkRulesAgainstSums } from './rules-model.ts';
import type { OpenedForRules } from './rules-opened.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const directory = mkdtempSync(join(tmpdir(), 'pando-rules-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let opened = 0;

async function open(): Promise<OpenedForRules> {
  const path = join(directory, `catalog-${++opened}.db`);
  let nowMs = 1_000_000;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {}, alarm: () => () => {} };
  const catalog = await openSqliteCatalog({ path, thread: false, clock });
  const outside = new DatabaseSync(path);
  return {
    catalog,
    async query(text) {
      const statement = outside.prepare(text);
      statement.setReturnArrays(true);
      return statement.all() as unknown as unknown[][];
    },
    nowMs: () => Promise.resolve(nowMs),
    pass: async () => {
      nowMs += 7;
    },
    async [Symbol.asyncDispose]() {
      outside.close();
      await catalog[Symbol.asyncDispose]();
    },
  };
}

describe('a SQLite catalog of rules', () => {
  checkRulesAgainstSums(open, soak ? 1500 : 12);

  it('takes less than 500 bytes an object with two replicas and two locks, besides the names', async () => {
    const path = join(directory, 'size.db');
    const objects = 20_000;
    let names = 0;
    {
      await using catalog = await openSqliteCatalog({ path, thread: false });
      const contract = new CatalogContract(() => catalog);
      const scope = await contract.openScope();
      for (let from = 0; from < objects; from += 1000) {
        const changes = Array.from({ length: 1000 }, (_, index) => {
          const name = `runs/${String(from).padStart(6, '0')}/part-${String(index).padStart(5, '0')}.parquet`;
          names += name.length;
          const token = `${(index * 131).toString(16)}-${(from + index).toString(16)}-18f2c9ab${String(from + index).padStart(8, '0')}`;
          const replicas = [scope.near, scope.far].map((store) => replicaAt(store, `${scope.name}/${name}`, { token }));
          return contract.put(scope, name, { replicas });
        });
        await contract.record(...changes);
      }
      const rule = await addRule(contract, ruleOver(scope, { copies: 2 }));
      const applied = await applyRule(contract, rule, [scope.near, scope.far], { pageSize: 1000 });
      expect(applied).toMatchObject({ state: 'OK', counts: { ok: 2 * objects } });
    }
    expect((statSync(path).size - names) / objects).toBeLessThan(500);
  });
});

test('a copy that was cancelled under who makes it is in his hand for two minutes, if he says nothing', async () => {
  let nowMs = 1_000_000;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: async () => {}, alarm: () => () => {} };
  await using catalog = await openSqliteCatalog({ path: ':memory:', thread: false, clock });
  const contract = new CatalogContract(() => catalog);
  const scope = await contract.openScope();
  const { name, source } = scope;
  await catalog.openScope({ name, title: name, source, replicas: [], standing: true });
  const versionId = await contract.putWithReplicas(scope, 'a', [source]);
  const rule = await addRule(contract, ruleOver(scope));
  await applyRule(contract, rule, [scope.far]);
  expect(await contract.claim(scope)).toHaveLength(1);
  await endRule(contract, rule);
  nowMs += 119_999;
  expect(await catalog.isCopyInHand({ versionId, store: scope.far })).toBe(true);
  nowMs += 1;
  expect(await catalog.isCopyInHand({ versionId, store: scope.far })).toBe(false);
});

describe('the content of a rule in SQLite', () => {
  checkRuleContents(open, soak ? 1000 : 15);
});
