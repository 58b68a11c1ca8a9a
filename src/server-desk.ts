import { findActor } from './client/actor.ts';
import { listReplicas } from './client/replicas.ts';
import { Requests } from './client/requests.ts';
import { Rules } from './client/rules.ts';
import { OperationIds } from './engine/operation-ids.ts';
import type { Pando } from './compose.ts';
import { REQUEST_STATES } from './domain/transfer/request-states.ts';
import type { ServedObjects } from './engine/sites/served-objects.ts';
import type { AdminDesk } from './server/admin-routes.ts';
import { HttpError } from './server/http-error.ts';
import type { Looked } from './server/server-metrics.ts';

/** Rows of one answer at most: who wants more asks the catalog with a command. */
const ROWS_MAX = 10_000;
/** Objects of a scope that are deleted at once. */
const PURGED_TOGETHER = 16;

export interface ServerDeskGiven {
  readonly pando: Pando;
  readonly objects: ServedObjects;
  /** Before it nothing is written. */
  readonly begun: Promise<void>;
  /** Why nothing can be written now; undefined: it can. */
  readonly whyNoStore: () => Promise<string | undefined>;
}

/** What administrators are told over HTTP, by the same means as on a command line. */
export function openServerDesk({ pando, objects, begun, whyNoStore }: ServerDeskGiven): AdminDesk {
  const openRules = async (): Promise<Rules> =>
    new Rules({
      catalog: await pando.catalog(),
      configuration: pando.configuration,
      actor: findActor(pando),
      scope: undefined,
      nowMs: () => pando.clock.nowMs(),
    });
  return {
    async problems() {
      const why = await Promise.all([whyNoCatalog(pando), whyNoStore()]);
      return why.filter((one) => one !== undefined);
    },
    async readOperation(id) {
      const known = await (await pando.catalog()).readOperation(id.toLowerCase());
      if (known === undefined) return undefined;
      const createdAt = new Date(known.createdMs).toISOString();
      return { id: known.id, state: 'done', createdAt, outcome: JSON.parse(known.outcome) as unknown };
    },
    async countObjects(scope, signal) {
      let count = 0;
      for await (const _ of namesOf(objects, scope, signal)) count++;
      return count;
    },
    async purge(scope, signal) {
      await begun;
      return purge(pando, objects, scope, signal);
    },
    async kindOfScope(scope) {
      if (!(await objects.isTold(scope))) return 'profile';
      const any = { prefix: '', limit: 1, stores: [], deleted: true, details: false };
      const { names } = await (await pando.catalog()).scanScope({ ...any, scope });
      return names.length > 0 ? 'own' : 'new';
    },
    async status() {
      const catalog = await pando.catalog();
      return { ...(await catalog.status()), syncs: await catalog.listSyncs(5), peers: await catalog.listPeers() };
    },
    listRules: async () => takeSome((await openRules()).list()),
    showRule: async (id) => (await openRules()).show(id),
    listReplicas: (object) => listReplicas(pando, object, undefined),
    async listRequests(asked) {
      const state = REQUEST_STATES.find((one) => one === asked?.toUpperCase());
      if (asked !== undefined && state === undefined)
        throw new HttpError(400, 'invalid-query', `state: one of ${REQUEST_STATES.join(', ')}`);
      return takeSome(new Requests(pando).list(state === undefined ? {} : { state }));
    },
  };
}

async function whyNoCatalog(pando: Pando): Promise<string | undefined> {
  try {
    await (await pando.catalog()).site();
    return undefined;
  } catch {
    return 'the catalog does not answer';
  }
}

async function takeSome<T>(all: AsyncIterable<T>): Promise<readonly T[]> {
  const some: T[] = [];
  for await (const one of all) {
    some.push(one);
    if (some.length === ROWS_MAX) break;
  }
  return some;
}

async function* namesOf(objects: ServedObjects, scope: string, signal: AbortSignal): AsyncGenerator<string> {
  for (let startAfter: string | undefined = ''; startAfter !== undefined; ) {
    const page = await objects.list(scope, { prefix: '', delimiter: undefined, startAfter, limit: 1000, signal });
    for (const { name } of page.objects) yield name;
    startAfter = page.next;
  }
}

/** Of a scope without a source in one step; where a source has the bytes, they go one after the other. */
async function purge(pando: Pando, objects: ServedObjects, scope: string, signal: AbortSignal): Promise<number> {
  if (pando.profile(scope) === undefined) {
    const operations = new OperationIds(pando.clock, pando.random);
    return (await (await pando.catalog()).purgeScope(scope, operations.next())) ?? 0;
  }
  let deleted = 0;
  const names = namesOf(objects, scope, signal);
  const deleteSome = async (): Promise<void> => {
    for (let step = await names.next(); step.done !== true; step = await names.next()) {
      const asked = { onlyIf: undefined, named: undefined, operation: undefined, signal };
      if ((await objects.delete({ scope, name: step.value }, asked)).version !== undefined) deleted++;
    }
  };
  await Promise.all(Array.from({ length: PURGED_TOGETHER }, deleteSome));
  return deleted;
}

/** What the catalog counts costs a look at all of it, so it is not counted for each who asks. */
const COUNTED_MS_MAX = 15_000;

/** Numbers of the catalog for Prometheus. */
export function catalogNumbers(pando: Pando): readonly Looked[] {
  let readMs = Number.NEGATIVE_INFINITY;
  let reading: ReturnType<typeof read> | undefined;
  const read = async () => (await pando.catalog()).status();
  const status = (): ReturnType<typeof read> => {
    const nowMs = pando.clock.monotonicMs();
    if (reading === undefined || nowMs - readMs > COUNTED_MS_MAX) {
      readMs = nowMs;
      reading = read();
      reading.catch(() => (reading = undefined));
    }
    return reading;
  };
  return [
    {
      name: 'pando_objects',
      help: 'Objects in the catalog',
      look: async () => [{ labels: {}, value: (await status()).objects }],
    },
    {
      name: 'pando_replicas',
      help: 'Copies by store and state',
      labels: ['store', 'state'],
      look: async () =>
        (await status()).replicas.map(({ title, state, count }) => ({ labels: { store: title, state }, value: count })),
    },
    {
      name: 'pando_replica_bytes',
      help: 'Bytes of copies by store and state',
      labels: ['store', 'state'],
      look: async () =>
        (await status()).replicas.map(({ title, state, bytes }) => ({ labels: { store: title, state }, value: bytes })),
    },
    {
      name: 'pando_requests',
      help: 'Queued copies and deletes by kind and state',
      labels: ['kind', 'state'],
      look: async () =>
        (await status()).requests.map(({ kind, state, count }) => ({ labels: { kind, state }, value: count })),
    },
    {
      name: 'pando_outbox_entries',
      help: 'Entries that wait for a peer',
      labels: ['peer'],
      look: async () =>
        (await (await pando.catalog()).listPeers()).map(({ name, waiting }) => ({
          labels: { peer: name },
          value: waiting,
        })),
    },
  ];
}
