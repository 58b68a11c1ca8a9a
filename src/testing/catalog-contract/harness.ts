import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import {
  type Catalog,
  CatalogError,
  type Change,
  type ChangeOutcome,
  type ClaimedRequest,
  type Holder,
  type Intent,
  type ObjectRecord,
  type RequestClaim,
} from '../../ports/catalog.ts';
import type { BeginSync } from '../../ports/catalog-syncs.ts';

/** A scope of one test's own, with a source and two replicas. */
export interface TestScope {
  readonly name: string;
  readonly source: string;
  readonly near: string;
  readonly far: string;
}

/** What every section of the contract works with. */
export class CatalogContract {
  readonly #catalog: () => Catalog;
  #scopes = 0;
  #operations = 0;

  constructor(catalog: () => Catalog) {
    this.#catalog = catalog;
  }

  get catalog(): Catalog {
    return this.#catalog();
  }

  async openScope(): Promise<TestScope> {
    const name = `scope-${++this.#scopes}`;
    const scope = { name, source: `test:${name}/source`, near: `test:${name}/near`, far: `test:${name}/far` };
    await this.catalog.openScope({
      name,
      title: name,
      source: scope.source,
      replicas: [
        { store: scope.near, title: 'near', priority: 1 },
        { store: scope.far, title: 'far', priority: 2 },
      ],
      standing: true,
    });
    return scope;
  }

  /** A scope that no profile names: peers are told of it. `source` is a store of it like the others. */
  async openOwnScope(): Promise<TestScope> {
    const name = `scope-${++this.#scopes}`;
    const scope = { name, source: `test:${name}/source`, near: `test:${name}/near`, far: `test:${name}/far` };
    const places = [scope.source, scope.near, scope.far];
    const replicas = places.map((store, at) => ({ store, title: store, priority: at + 1 }));
    await this.catalog.openScope({ name, title: name, source: undefined, replicas, standing: false });
    return scope;
  }

  /** A fresh operation id: a UUID of version 7 by its form. */
  operation(): string {
    return `01920000-0000-7000-8000-${(++this.#operations).toString(16).padStart(12, '0')}`;
  }

  /** A change that puts an object nobody has put before, unless told otherwise. */
  put(scope: TestScope, name: string, options: Partial<Change> = {}): Change {
    return {
      scope: scope.name,
      name,
      follows: undefined,
      content: contentOf(name),
      operation: this.operation(),
      replicas: [],
      ...options,
    };
  }

  remove(scope: TestScope, name: string, follows: number | undefined): Change {
    return this.put(scope, name, { follows, content: { kind: 'tombstone' } });
  }

  async record(...changes: readonly Change[]): Promise<readonly ChangeOutcome[]> {
    return (await this.catalog.record({ changes })).changes;
  }

  /** Records one change that must be taken; returns the id of its version. */
  async recordOne(change: Change): Promise<number> {
    const [outcome] = await this.record(change);
    if (outcome?.kind !== 'recorded') throw new Error(`the change was not recorded: ${JSON.stringify(outcome)}`);
    return outcome.versionId;
  }

  async read(scope: TestScope, name: string): Promise<ObjectRecord> {
    const found = await this.catalog.readObject(scope.name, name);
    if (found === undefined) throw new Error(`${scope.name}:${name} is not in the catalog`);
    return found;
  }

  /** Puts an object with an available replica at each store; returns the id of its version. */
  putWithReplicas(scope: TestScope, name: string, stores: readonly string[]): Promise<number> {
    return this.recordOne(this.put(scope, name, { replicas: stores.map((store) => replicaAt(store, name)) }));
  }

  claim(scope: TestScope, options: Partial<Omit<RequestClaim, 'scopes'>> = {}): Promise<readonly ClaimedRequest[]> {
    return this.catalog.claimRequests({
      owner: 'worker',
      limit: 100,
      leaseMs: 60_000,
      scopes: [scope.name],
      ...options,
    });
  }

  async queueCopy(
    scope: TestScope,
    name: string,
    options: { store?: string; priority?: number } = {},
  ): Promise<number> {
    const versionId = await this.recordOne(this.put(scope, name));
    const { store = scope.near, priority = 3 } = options;
    const request = { kind: 'copy', scope: scope.name, name, versionId, store, reason: 'miss', priority } as const;
    await this.catalog.record({ requests: [request] });
    return versionId;
  }

  sync(scope: TestScope, options: Partial<BeginSync> = {}): BeginSync {
    return {
      id: this.operation(),
      scope: scope.name,
      prefix: '',
      source: scope.source,
      targets: [scope.near],
      holder: holderOf(1),
      leaseMs: 60_000,
      deadHolders: [],
      ...options,
    };
  }

  intent(scope: TestScope, key: string, options: Partial<Intent> = {}): Intent {
    return {
      operation: this.operation(),
      scope: scope.name,
      name: key,
      store: scope.source,
      key,
      oldToken: undefined,
      follows: undefined,
      content: contentOf(key),
      holder: holderOf(1),
      createdMs: 1_700_000_000_000,
      ...options,
    };
  }
}

export function contentOf(text: string, options: Partial<ObjectContent> = {}): ObjectContent {
  return { kind: 'object', size: text.length, sha256: sha256Of(text), ...options };
}

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

export function replicaAt(
  store: string,
  place: string,
  options: Partial<Omit<Replica, 'versionId'>> = {},
): Omit<Replica, 'versionId'> {
  return { store, state: 'AVAILABLE', place, token: `token of ${place}`, verification: 'written', ...options };
}

export function holderOf(pid: number): Holder {
  return { host: 'test-host', pid, startedMs: 1_700_000_000_000 + pid };
}

export async function sleep(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Asserts that a call fails with a `CatalogError` of this kind. */
export async function expectKind(call: Promise<unknown>, kind: CatalogError['kind']): Promise<void> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CatalogError);
  expect((error as CatalogError).kind).toBe(kind);
}
