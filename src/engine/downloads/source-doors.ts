import type { Replica } from '../../domain/replica/replica.ts';
import type { ObjectRecord, RecordBatch } from '../../ports/catalog.ts';
import type { Storage } from '../../ports/storage.ts';
import type { ReadPorts } from '../object-read.ts';
import type { ObjectScope, OpenedReplica } from '../opened-scope.ts';
import { asRead } from './as-read.ts';
import type { ReadableCopy } from './rank-for-reader.ts';

/**
 * Copies as a read sees them: each protocol of each store is a store of its own, known by the protocol's place. The store's own
 * protocol has the catalog's token, and what is found wrong there is noted. Tokens of the others are unknown: what comes by them is
 * judged by its hash, and says nothing against the store.
 */
export async function openDoors(
  ports: ReadPorts,
  row: ObjectRecord,
  copies: readonly ReadableCopy[],
): Promise<{ readonly ports: ReadPorts; readonly scope: ObjectScope; readonly row: ObjectRecord }> {
  const doors: OpenedReplica[] = [];
  const places = new Map<string, { readonly store: string; readonly isOwn: boolean }[]>();
  let deadlineMs = 0;
  for (const { store, ways } of copies) {
    deadlineMs = Math.max(deadlineMs, store.deadlineMs);
    for (const way of ways) {
      const isOwn = way.place === store.place;
      const opened = await openDoor(() => way.open(), isOwn);
      if (opened === undefined) continue;
      doors.push({
        title: `${store.name} by ${way.name}`,
        priority: doors.length + 1,
        isMirror: false,
        storage: opened,
      });
      places.set(store.place, [...(places.get(store.place) ?? []), { store: opened.place, isOwn }]);
    }
  }
  const seen = (record: ObjectRecord): ObjectRecord => ({
    ...record,
    replicas: record.replicas.flatMap((replica) =>
      (places.get(replica.store) ?? []).map((door) => atDoor(replica, door)),
    ),
  });
  const owned = new Set(places.keys());
  const catalog: ReadPorts['catalog'] = {
    readObject: async (scope, name) => {
      const record = await ports.catalog.readObject(scope, name);
      return record && seen(asRead(record));
    },
    record: (batch) => ports.catalog.record(ofStores(batch, owned)),
    listNearby: (place) => ports.catalog.listNearby(place),
    readPlaces: (store, keys) => ports.catalog.readPlaces(store, keys),
  };
  const scope = {
    name: row.scope,
    title: row.scope,
    source: undefined,
    replicas: doors,
    consistency: 'validated',
    deadlineMs,
  } as const;
  return { ports: { ...ports, catalog }, scope, row: seen(row) };
}

/** Bytes behind another protocol: their token there is nobody's business. */
const UNKNOWN_TOKEN = 'unknown';

function atDoor(replica: Replica, { store, isOwn }: { readonly store: string; readonly isOwn: boolean }): Replica {
  return { ...replica, store, token: isOwn ? (replica.token ?? UNKNOWN_TOKEN) : UNKNOWN_TOKEN };
}

function ofStores(batch: RecordBatch, owned: ReadonlySet<string>): RecordBatch {
  const { replicas = [] } = batch;
  return { ...batch, replicas: replicas.filter(({ store }) => owned.has(store)) };
}

/** Undefined: it cannot be opened here. */
async function openDoor(open: () => Promise<Storage>, isOwn: boolean): Promise<Storage | undefined> {
  try {
    return withUnknownTokens(await open(), isOwn ? 'where-asked' : 'always');
  } catch {
    return undefined;
  }
}

/** Asked for bytes of an unknown token, it gives what it has. */
function withUnknownTokens(storage: Storage, when: 'where-asked' | 'always'): Storage {
  return new Proxy(storage, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (key !== 'get') return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      const get: Storage['get'] = async (name, options = {}) => {
        if (when === 'where-asked' && options.ifToken !== UNKNOWN_TOKEN) return target.get(name, options);
        const { ifToken: _, ...others } = options;
        const got = await target.get(name, others);
        return { ...got, head: { ...got.head, token: UNKNOWN_TOKEN } };
      };
      return get;
    },
  });
}
