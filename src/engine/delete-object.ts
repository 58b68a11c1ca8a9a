import type { Catalog, ObjectRecord } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import { StorageError } from '../ports/storage.ts';
import type { Condition } from './condition.ts';
import { deleteReplica, type DeleteReplicaPorts } from './delete-replica.ts';
import { type KnownObject, locateObject } from './locate-object.ts';
import { ObjectError, toObjectError } from './object-error.ts';
import { operationOf } from './record-write.ts';
import { observeSource, type ObservePorts } from './observe-object.ts';
import { hasSource, type ObjectScope } from './opened-scope.ts';
import { openStoreAt } from './scope-stores.ts';

export type DeletePorts = ObservePorts &
  DeleteReplicaPorts & { readonly catalog: Pick<Catalog, 'readObject' | 'readMarks'>; readonly clock: Clock };

export interface DeleteArguments {
  readonly scope: ObjectScope;
  readonly name: string;
  /** Only if this is the current version (its operation id). */
  readonly ifVersion?: string | undefined;
  /** Only if it says nothing of the object as it is now; otherwise what it says is why not. */
  readonly onlyIf?: Condition | undefined;
  /** A UUIDv7. Used before for the same: nothing is deleted again. */
  readonly operation?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface DeleteResult {
  /** The tombstone's operation id. */
  readonly version: string;
  /** It had been made before. */
  readonly isRepeat: boolean;
  /** Names of the stores whose bytes are gone. */
  readonly deleted: readonly string[];
  /** Names of stores that hold other bytes than were recorded: nobody asked to delete those, and they stay. */
  readonly left: readonly string[];
  /** Stores that could not be asked now. Their copies are not served, and the queued requests go on until they are gone. */
  readonly pending: readonly { readonly store: string; readonly why: string }[];
}

const ROUNDS_MAX = 5;

/**
 * Deletes an object: the tombstone first, from which on nobody is served, then the bytes at the source and at every replica.
 * Of an object the catalog does not know the source is asked; while it cannot be, nothing is deleted (I9).
 * Fails with `ObjectError`.
 */
export async function deleteObject(ports: DeletePorts, args: DeleteArguments): Promise<DeleteResult> {
  const object = { scope: args.scope.name, name: args.name };
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const row = await findCurrent(ports, args);
    if (args.ifVersion !== undefined && row.current.operation !== args.ifVersion)
      throw new ObjectError('condition', object, `its version is ${row.current.operation}, not ${args.ifVersion}`);
    const why = args.onlyIf?.(row);
    if (why !== undefined) throw new ObjectError('condition', object, why);
    const operation = args.operation ?? ports.operations.next();
    const content = { kind: 'tombstone' } as const;
    const { changes } = await ports.catalog.record({
      changes: [{ ...object, follows: row.current.id, content, operation, replicas: [] }],
      ...(args.operation === undefined
        ? {}
        : { operation: operationOf({ operation, ...object, content }, ports.clock.nowMs()) }),
    });
    const [outcome] = changes;
    if (outcome?.kind === 'recorded') return deleteBytes(ports, args, row, operation);
    // Asked for twice at one moment, or before at another site: bytes that wait to be deleted are deleted by whoever was first.
    if (args.operation !== undefined && outcome?.kind === 'repeated' && (await isMadeBy(ports, outcome, operation)))
      return { version: operation, isRepeat: true, deleted: [], left: [], pending: [] };
  }
  throw new ObjectError('unavailable', object, `others changed it ${ROUNDS_MAX} times while it was being deleted`);
}

/** Another delete of the same object is a repeat, too; but not of this operation. */
async function isMadeBy(
  { catalog }: DeletePorts,
  { versionId }: { readonly versionId: number },
  operation: string,
): Promise<boolean> {
  const [mark] = await catalog.readMarks([versionId]);
  return mark?.operation === operation;
}

/** The object as it is now: the source is looked at once more, so that what is deleted is what lies there. */
async function findCurrent(ports: DeletePorts, args: DeleteArguments): Promise<KnownObject> {
  const { scope, name, signal } = args;
  const object = { scope: scope.name, name };
  const located = await locateObject(ports, { scope, name, consistency: 'validated', signal });
  if (located.kind === 'unvalidated') throw toObjectError(object, located.why);
  if (located.kind === 'anything') throw new ObjectError('unavailable', object, 'nobody can say whether it exists');
  // A source that did not answer a moment ago is asked by the request that deletes there.
  if (!hasSource(scope) || ports.health.whyAway(scope.source.place) !== undefined) return located.row;
  try {
    const seen = await observeSource(ports, { scope, name, row: located.row, signal });
    if (seen === undefined) return located.row;
    if (seen.current.content.kind === 'tombstone') throw new ObjectError('not-found', object, 'it was deleted');
    return seen as KnownObject;
  } catch (error) {
    // The tombstone needs nobody's consent; the bytes wait until their store can be asked.
    if (error instanceof StorageError && error.kind !== 'aborted') return located.row;
    throw toObjectError(object, error);
  }
}

/** The source first, then all other stores at once; a store that just did not answer for another object is not asked for this one too. */
async function deleteBytes(
  ports: DeletePorts,
  args: DeleteArguments,
  row: ObjectRecord,
  version: string,
): Promise<DeleteResult> {
  const remove = async ({ store, versionId, place }: ObjectRecord['replicas'][number]): Promise<Removed> => {
    let shown = store;
    try {
      shown = (await openStoreAt(args.scope, store))?.name ?? store;
      const away = ports.health.whyAway(store);
      if (away !== undefined) throw new StorageError('unavailable', { store: shown, key: place }, away);
      const replica = { scope: args.scope, name: args.name, versionId, store, signal: args.signal };
      const outcome = await deleteReplica(ports, replica);
      const taken = outcome === 'not-due' ? await findTaken(ports, replica) : undefined;
      const last = taken === undefined ? outcome : await deleteReplica(ports, { ...replica, versionId: taken });
      return { store: shown, isLeft: last === 'left', why: undefined };
    } catch (error) {
      if (!(error instanceof StorageError) && !(error instanceof ObjectError)) throw error;
      return { store: shown, isLeft: false, why: error.message };
    }
  };
  const isAtSource = ({ store }: { readonly store: string }): boolean => store === args.scope.source?.place;
  const removed: Removed[] = [];
  for (const replica of row.replicas.filter(isAtSource)) removed.push(await remove(replica));
  const others = Map.groupBy(
    row.replicas.filter((replica) => !isAtSource(replica)),
    ({ store }) => store,
  );
  const removeAll = async (replicas: ObjectRecord['replicas']): Promise<readonly Removed[]> => {
    const done: Removed[] = [];
    // Two versions may have had one place.
    for (const replica of replicas) done.push(await remove(replica));
    return done;
  };
  removed.push(...(await Promise.all([...others.values()].map(removeAll))).flat());
  const storesOf = (those: readonly Removed[]): string[] => [...new Set(those.map(({ store }) => store))];
  const waiting = new Set(removed.flatMap(({ store, why }) => (why === undefined ? [] : [store])));
  return {
    version,
    isRepeat: false,
    deleted: storesOf(removed.filter(({ store, isLeft }) => !isLeft && !waiting.has(store))),
    left: storesOf(removed.filter(({ isLeft }) => isLeft)),
    pending: removed.flatMap(({ store, why }) => (why === undefined ? [] : { store, why })),
  };
}

/** A copy that was under way found the same bytes there, and they are to go as those of its version now. */
async function findTaken(
  { catalog }: DeletePorts,
  { scope, name, store }: { readonly scope: ObjectScope; readonly name: string; readonly store: string },
): Promise<number | undefined> {
  const row = await catalog.readObject(scope.name, name);
  return row?.replicas.find((one) => one.store === store && one.state === 'BEING_DELETED')?.versionId;
}

/** What became of one copy; `why` undefined: it is gone, or was left. */
interface Removed {
  readonly store: string;
  readonly isLeft: boolean;
  readonly why: string | undefined;
}
