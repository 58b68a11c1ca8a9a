import { randomBytes } from 'node:crypto';
import { openSqliteInProcess } from '../../src/catalog/sqlite-in-process.ts';
import type { ObjectError } from '../../src/engine/object-error.ts';
import type { ObjectRead, ReadArguments } from '../../src/engine/object-read.ts';
import { bindObjectVerbs, type ObjectVerbs } from '../../src/engine/object-verbs.ts';
import type { OpenedScope } from '../../src/engine/opened-scope.ts';
import type { Catalog, Holder, NewEvent } from '../../src/ports/catalog.ts';
import type { Attributes, Mark, Storage } from '../../src/ports/storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { emptyInMemory } from '../catalog/catalogs-in-memory.ts';
import { FaultyStore } from './faulty-store.ts';

export const DEADLINE_MS = 1_000;

/** A scope `data` with a source and replicas in memory, a catalog in memory, a clock that stands still by itself. */
export interface World extends AsyncDisposable {
  readonly clock: SimulatedClock;
  readonly catalog: Catalog;
  readonly scope: OpenedScope;
  readonly source: FaultyStore;
  readonly replicas: readonly FaultyStore[];
  readonly verbs: ObjectVerbs;
  readonly events: NewEvent[];
  readonly dead: Set<number>;
  /** Another process on the same catalog. */
  another(pid: number): ObjectVerbs;
  /** Lets time go by until the promise ends. */
  run<T>(promise: Promise<T>): Promise<T>;
  read(name: string, more?: Partial<ReadArguments>): Promise<string>;
  write(name: string, text: string, more?: { readonly contentType?: string }): Promise<string>;
  /** All requests that are due are carried out, and those that wait for a retry after a while. */
  carryOut(): Promise<void>;
  queued(): Promise<string[]>;
  states(name: string): Promise<Record<string, string>>;
}

export interface WorldOptions {
  readonly replicas?: number;
  readonly chunkBytes?: number;
  readonly consistency?: OpenedScope['consistency'];
}

export async function openWorld({
  replicas = 1,
  chunkBytes = 4,
  consistency = 'validated',
}: WorldOptions = {}): Promise<World> {
  const clock = new SimulatedClock();
  const store = (name: string): FaultyStore => new FaultyStore(openMemoryStorage({ name, clock }), chunkBytes);
  const stores = Array.from({ length: replicas }, (_, at) => store(`r${at}`));
  const source = store('source');
  const catalog = await openCatalog(clock);
  const scope: OpenedScope = {
    name: 'data',
    title: 'data',
    source,
    replicas: stores.map((storage, at) => ({ title: storage.name, priority: at + 1, isMirror: true, storage })),
    consistency,
    deadlineMs: DEADLINE_MS,
  };
  await announce(catalog, scope);
  return worldOf({ clock, catalog, scope, source, replicas: stores });
}

/** The same stores, seen by a machine whose catalog is empty. */
export async function openElsewhere(world: World): Promise<World> {
  const catalog = await openCatalog(world.clock);
  await announce(catalog, world.scope);
  const { clock, scope, source, replicas } = world;
  return worldOf({ clock, catalog, scope, source, replicas });
}

async function openCatalog(clock: SimulatedClock): Promise<Catalog> {
  const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)), fraction: () => 0.5 };
  const { path, database } = await emptyInMemory();
  const schedule = (turn: () => void) => queueMicrotask(turn);
  const catalog = await openSqliteInProcess({ path, clock, random, boot: 'a start', schedule });
  database.close();
  return catalog;
}

async function announce(catalog: Catalog, scope: OpenedScope): Promise<void> {
  await catalog.openScope({
    name: scope.name,
    title: scope.title,
    source: scope.source.place,
    replicas: scope.replicas.map(({ storage, title, priority }) => ({ store: storage.place, title, priority })),
    standing: true,
  });
}

function worldOf(parts: Pick<World, 'clock' | 'catalog' | 'scope' | 'source' | 'replicas'>): World {
  const { clock, catalog, scope } = parts;
  const events: NewEvent[] = [];
  const dead = new Set<number>();
  const random = { bytes: (count: number) => new Uint8Array(randomBytes(count)), fraction: () => 0.5 };
  const holder = (pid: number): Holder => ({ host: 'here', pid, startedMs: 1 });
  const another = (pid: number): ObjectVerbs =>
    bindObjectVerbs({
      catalog,
      clock,
      random,
      processes: { self: holder(pid), isDead: (one) => dead.has(one.pid) },
      events: { report: (event) => void events.push(event) },
    });
  const verbs = another(1);
  const run = <T>(promise: Promise<T>): Promise<T> => clock.run(promise);
  const names = new Map(
    [scope.source, ...scope.replicas.map(({ storage }) => storage)].map((one) => [one.place, one.name]),
  );
  return {
    ...parts,
    verbs,
    events,
    dead,
    another,
    run,
    read: (name, more = {}) => run(readText(verbs, { scope, name, ...more })),
    write: async (name, text, { contentType } = {}) => {
      const attributes = contentType === undefined ? {} : { contentType };
      return (await run(verbs.write({ scope, name, body: Buffer.from(text), attributes }))).version;
    },
    carryOut: async () => {
      await run(verbs.settle());
      await run(verbs.carryOut({ scopes: [scope], owner: 'test', until: 'idle' }));
    },
    queued: async () => {
      await run(verbs.settle());
      const requests = await catalog.listRequests({ state: 'QUEUED', limit: 100 });
      return requests.map((one) => `${one.kind} ${one.name} to ${names.get(one.store)}`).toSorted();
    },
    states: async (name) => {
      const row = await catalog.readObject(scope.name, name);
      const current = row?.replicas.filter(({ versionId }) => versionId === row.current.id) ?? [];
      return Object.fromEntries(current.map(({ store, state }) => [names.get(store) ?? store, state]));
    },
    [Symbol.asyncDispose]: () => catalog[Symbol.asyncDispose](),
  };
}

export async function readText(verbs: ObjectVerbs, args: ReadArguments): Promise<string> {
  using read = await verbs.read(args);
  return await textOf(read);
}

export async function textOf(read: ObjectRead): Promise<string> {
  if (read.body instanceof Uint8Array) return Buffer.from(read.body).toString();
  const chunks: Buffer[] = [];
  for await (const chunk of read.body) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

/** Puts bytes into a store without Pando, as a user would; with a mark where a copy of Pando's is meant. */
export async function put(
  storage: Storage,
  key: string,
  text: string,
  more: { readonly mark?: Mark; readonly attributes?: Attributes } = {},
): Promise<string> {
  const mark = more.mark ?? { operation: 'foreign', sha256: undefined };
  const staged = await storage.stage(key, Buffer.from(text), { attributes: more.attributes ?? {}, mark });
  await storage.flush([staged]);
  const [published] = await storage.publish([{ staged, options: {} }]);
  if (published === undefined || published instanceof Error) throw published ?? new Error('no answer');
  return published.token;
}

/** What a store holds; undefined: nothing. */
export async function peek(storage: Storage, key: string): Promise<string | undefined> {
  try {
    const got = await storage.get(key);
    const chunks: Buffer[] = [];
    if (got.body instanceof Uint8Array) return Buffer.from(got.body).toString();
    for await (const chunk of got.body) chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  } catch {
    return undefined;
  }
}

/** The kind of error a promise ends with. */
export async function failure(promise: Promise<unknown>): Promise<ObjectError['kind'] | 'none'> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as ObjectError).kind ?? Promise.reject(error);
  }
}

/** All that an iterable gives. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
