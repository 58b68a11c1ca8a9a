import { describe, expect, test } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { systemClock } from '../../src/catalog/system.ts';
import { PLAIN_TRAITS } from '../../src/domain/store/store-traits.ts';
import { OpenQuestions } from '../../src/engine/stores/open-questions.ts';
import { StoreAbsences, type StoreAbsencePorts } from '../../src/engine/stores/store-absences.ts';
import type { StoreAccess } from '../../src/engine/stores/store-access.ts';
import { StoreHealth } from '../../src/engine/store-health.ts';
import { type Head, StorageError, type StorageErrorKind } from '../../src/ports/storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { CatalogContract } from '../../src/testing/catalog-contract/harness.ts';
import { addRule, applyRule, arrival, ruleOver } from '../../src/testing/catalog-contract/rules-harness.ts';
import { FaultyStore } from './faulty-store.ts';

/** Shows copies as the contract's harness records them, and answers for some keys with errors. */
class ShowingStore extends FaultyStore {
  readonly tokens = new Map<string, string>();
  readonly errors = new Map<string, StorageErrorKind>();

  override async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    const kind = this.errors.get(key);
    if (kind !== undefined) throw new StorageError(kind, { store: this.name, key }, 'as told');
    const token = this.tokens.get(key);
    if (token === undefined) return super.head(key, options);
    return { token, size: 1, modifiedNs: undefined, attributes: {}, mark: undefined, digests: {} };
  }
}

const NAMES = ['a', 'b', 'c'];
const ORDER = { read: 1, write: 1, delete: 1, tpcRead: 1, tpcWrite: 1 };
const DOMAINS = { lan: ORDER, wan: ORDER };

/** A store that is away, with a copy of each of these names by a rule. */
async function openAway(others: StoreAccess['protocols'] = []) {
  const catalog = await openSqliteCatalog({ path: ':memory:', thread: false });
  const contract = new CatalogContract(() => catalog);
  const storage = new ShowingStore(openMemoryStorage({ name: 'far', clock: systemClock }), 4);
  const { place } = storage;
  await catalog.openStores([{ store: place, title: 'far', allocatedBytes: undefined }]);
  const scope = await contract.openScope();
  for (const name of NAMES) await contract.putWithReplicas(scope, name, [scope.source]);
  await applyRule(contract, await addRule(contract, ruleOver(scope)), [place]);
  const claimed = await contract.claim(scope, { leaseMs: 60_000 });
  await catalog.settleTransfers(claimed.map((request) => arrival(request)));
  for (const { name, versionId } of claimed) storage.tokens.set(`${scope.name}/${name}`, `token ${versionId}`);
  await catalog.tellAway(place);
  const access: StoreAccess = {
    name: 'far',
    place,
    traits: PLAIN_TRAITS,
    paths: { name: 'identity', deterministic: true, pathOf: ({ name }) => ({ path: name }) },
    mirrors: undefined,
    sourceOf: [],
    protocols: [...others, { name: 'own', place, domains: DOMAINS, open: async () => storage }],
    deadlineMs: 1_000,
    isInMemory: false,
    isSoft: false,
  };
  const markAll = async (): Promise<void> => {
    const turn = await catalog.claimAbsence(place, 'mark');
    if (turn !== undefined) await catalog.markUnavailable(turn, { limit: 10 });
  };
  const look = (over: Partial<StoreAbsencePorts['catalog']> = {}, questions?: OpenQuestions): Promise<number> => {
    const proxied = new Proxy(catalog, {
      get: (target, key) => Reflect.get(key in over ? over : target, key) as unknown,
    });
    const health = new StoreHealth(systemClock);
    const stores = new Map([[place, access]]);
    const ports = { catalog: proxied, clock: systemClock, health, stores, clientSite: undefined };
    return new StoreAbsences(ports, questions).look(new AbortController().signal);
  };
  const states = async (): Promise<readonly (string | undefined)[]> => {
    const objects = await Promise.all(NAMES.map((name) => contract.read(scope, name)));
    return objects.map(({ replicas }) => replicas.find(({ store }) => store === place)?.state);
  };
  const isAway = async (): Promise<boolean> =>
    (await catalog.listKeptStores()).some(({ store, absence }) => store === place && absence !== undefined);
  const keyOf = (name: string): string => `${scope.name}/${name}`;
  const close = () => catalog[Symbol.asyncDispose]();
  return { catalog, storage, markAll, look, states, isAway, keyOf, [Symbol.asyncDispose]: close };
}

describe('a store that answers again', () => {
  test('has all its copies, also those that somebody marked after it was listed', async () => {
    await using world = await openAway();
    const listKeptStores = async () => {
      const listed = await world.catalog.listKeptStores();
      await world.markAll();
      return listed;
    };
    expect(await world.look({ listKeptStores })).toBeGreaterThan(0);
    expect(await world.states()).toEqual(['AVAILABLE', 'AVAILABLE', 'AVAILABLE']);
    expect(await world.isAway()).toBe(false);
  });

  test('looks anew for a copy that is of another version once it was looked at', async () => {
    await using world = await openAway();
    await world.markAll();
    let lists = 0;
    const listUnavailable: StoreAbsencePorts['catalog']['listUnavailable'] = async (store, page) => {
      const listed = await world.catalog.listUnavailable(store, page);
      if (lists++ > 0) return listed;
      const before = listed.copies.map((copy) => ({ ...copy, versionId: copy.versionId + 1_000 }));
      return { ...listed, copies: before };
    };
    expect(await world.look({ listUnavailable })).toBeGreaterThan(0);
    expect(await world.states()).toEqual(['AVAILABLE', 'AVAILABLE', 'AVAILABLE']);
    expect(await world.isAway()).toBe(false);
  });

  test('by one protocol is not asked again by another that hangs', async () => {
    let asked = 0;
    class Hung extends FaultyStore {
      override head(): Promise<Head> {
        asked++;
        return new Promise(() => undefined);
      }
    }
    const hung = new Hung(openMemoryStorage({ name: 'hung', clock: systemClock }), 4);
    const first = { read: 0, write: 0, delete: 0, tpcRead: 0, tpcWrite: 0 };
    const domains = { lan: first, wan: first };
    await using world = await openAway([{ name: 'hung', place: 'sftp://far/', domains, open: async () => hung }]);
    const questions = new OpenQuestions();
    expect(await world.look({}, questions)).toBeGreaterThan(0);
    expect(await world.isAway()).toBe(false);
    await world.look({}, questions);
    expect(asked).toBe(1);
  });

  test('that shows none of its copies has them in doubt; what others of them stand for, is forgotten', async () => {
    await using empty = await openAway();
    await empty.markAll();
    empty.storage.tokens.clear();
    expect(await empty.look()).toBeGreaterThan(0);
    expect(await empty.states()).toEqual(['SUSPICIOUS', 'SUSPICIOUS', 'SUSPICIOUS']);
    expect(await empty.isAway()).toBe(false);
    await using most = await openAway();
    await most.markAll();
    most.storage.tokens.delete(most.keyOf('b'));
    expect(await most.look()).toBeGreaterThan(0);
    expect(await most.states()).toEqual(['AVAILABLE', undefined, 'AVAILABLE']);
  });

  test.each(['denied', 'blocked', 'invalid-key', 'corrupt'] as const)(
    'has a copy in doubt that it answers %s for, and is back',
    async (kind) => {
      await using world = await openAway();
      await world.markAll();
      world.storage.errors.set(world.keyOf('b'), kind);
      expect(await world.look()).toBeGreaterThan(0);
      expect(await world.states()).toEqual(['AVAILABLE', 'SUSPICIOUS', 'AVAILABLE']);
      expect(await world.isAway()).toBe(false);
    },
  );

  test.each(['unavailable', 'timeout', 'throttled', 'aborted'] as const)(
    'stays away while it says nothing of a copy but %s, and keeps what it showed',
    async (kind) => {
      await using world = await openAway();
      await world.markAll();
      world.storage.errors.set(world.keyOf('b'), kind);
      expect(await world.look()).toBe(0);
      expect((await world.states())[1]).toBe('UNAVAILABLE');
      expect(await world.isAway()).toBe(true);
    },
  );
});
