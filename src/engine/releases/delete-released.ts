import { formatObjectName } from '../../domain/object/object-name.ts';
import { chooseDeletions, type ReleasedReplica, type StoreSpace } from '../../domain/replica/deletion-choice.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { ReleasedRecord, RuleCatalog, StoreUse } from '../../ports/rules.ts';
import type { Telling } from '../../ports/telling.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import { StorageError } from '../../ports/storage.ts';
import { Deadline } from '../deadline.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { StoreAccess } from '../stores/store-access.ts';
import type { ReleaseLooks } from './release-looks.ts';
import { type LookPorts, type ReleasedCopy, seeOtherCopies } from './see-other-copies.ts';

export interface ReleasePorts extends LookPorts {
  readonly catalog: LookPorts['catalog'] & Pick<RuleCatalog, 'listReleased' | 'condemn' | 'readStoreUse'>;
  /** Bytes free at a store now; undefined where it does not tell, or cannot be asked. */
  readonly freeBytes: (store: StoreAccess) => Promise<number | undefined>;
  /** Of this process. */
  readonly looks: ReleaseLooks;
  readonly telling?: Telling | undefined;
}

/** Replicas looked at in one step, of one store. */
const PAGE_REPLICAS = 1_000;

/**
 * Chooses which released replicas go now, store by store (docs/states.md, "Deletion"), and queues their deletes; whoever carries out
 * requests asks the store. Of each one that stays in its place is looked at where it lies, and the catalog counts good copies once more
 * under the object's lock. Returns how many were chosen.
 */
export async function deleteReleased(ports: ReleasePorts, signal: AbortSignal): Promise<number> {
  const use = new Map((await ports.catalog.readStoreUse()).map((one) => [one.store, one]));
  const stores = heedSaid(ports.stores, use.values());
  const closed = new ClosedStores(ports.stores.values(), use.values());
  let chosen = 0;
  for (const store of stores.values()) {
    if (signal.aborted) break;
    const used = use.get(store.place);
    if (used === undefined || closed.whyNot(store.place, 'delete') !== undefined) continue;
    // When it is back, the other copies may not be what they are now.
    if (used.away?.areCopiesUnavailable === true) continue;
    chosen += await deleteAt({ ...ports, stores }, store, used, signal);
  }
  return chosen;
}

async function deleteAt(ports: ReleasePorts, store: StoreAccess, used: StoreUse, signal: AbortSignal): Promise<number> {
  const { catalog, clock, looks, telling } = ports;
  const inMemory = [...ports.stores.values()].filter(({ isInMemory }) => isInMemory).map(({ place }) => place);
  let leavingBytes = used.leavingBytes;
  let condemned = 0;
  while (!signal.aborted) {
    const beganMs = clock.monotonicMs();
    const released = await catalog.listReleased(store.place, {
      after: looks.after(store.place),
      limit: PAGE_REPLICAS,
    });
    const space = await spaceOf(ports, { store, used, leavingBytes }, signal);
    const { chosen, kept } = chooseDeletions(
      released.map((record) => factsOf(record, inMemory)),
      space,
    );
    // From the first on that nothing asks to go.
    const resting = new Set(kept.filter(({ isHeld }) => !isHeld).map(({ replica }) => replica.versionId));
    const first = released.findIndex(({ versionId }) => resting.has(versionId));
    const passed = first < 0 ? released : released.slice(0, first);
    if (passed.length === 0) break;
    const isSeen = await seeOtherCopies(
      ports,
      chosen.map(({ replica }) => replica),
      signal,
    );
    const going = chosen.filter((_, at) => isSeen[at] === true);
    const keys = going.map(({ replica: { scope, name, versionId } }) => ({
      scope,
      name,
      versionId,
      store: store.place,
    }));
    let gone = 0;
    const done = await catalog.condemn(keys, { exceptStores: inMemory });
    for (const [at, { replica, why }] of going.entries()) {
      if (done[at] !== true) continue;
      leavingBytes += replica.bytes;
      gone++;
      telling?.debug?.('a released copy goes', { object: formatObjectName(replica), store: store.name, why });
    }
    const tookMs = clock.monotonicMs() - beganMs;
    looks.passed(store.place, passed, { tookMs, staying: passed.length - gone });
    condemned += gone;
    if (released.length < PAGE_REPLICAS) break;
  }
  return condemned;
}

async function spaceOf(
  { clock, freeBytes }: ReleasePorts,
  { store, used, leavingBytes }: { store: StoreAccess; used: StoreUse; leavingBytes: number },
  signal: AbortSignal,
): Promise<StoreSpace> {
  const { greedy, freeBytesMin } = store.traits;
  const space = { minFreeBytes: freeBytesMin, leavingBytes, greedy };
  // Nobody is asked where the answer decides nothing, and who is away is not either.
  if (freeBytesMin === undefined || greedy || used.away !== undefined) return { ...space, freeBytes: undefined };
  using deadline = new Deadline(clock, store.deadlineMs, { store: store.name, key: '' }, signal);
  try {
    return { ...space, freeBytes: await deadline.within(() => freeBytes(store)) };
  } catch (error) {
    if (error instanceof StorageError) return { ...space, freeBytes: undefined };
    throw error;
  }
}

type ReleasedFacts = ReleasedReplica & ReleasedCopy;

function factsOf(record: ReleasedRecord, inMemory: readonly string[]): ReleasedFacts {
  const copyFacts = <Copy extends { readonly store: string }>(copy: Copy) => ({
    ...copy,
    isInMemory: inMemory.includes(copy.store),
    sharesBytes: false,
    isCache: false,
  });
  const own = record.copies.find(({ store, versionId }) => store === record.store && versionId === record.versionId);
  const goodCopies = record.copies.filter((copy) => isGoodCopy(copyFacts(copy)));
  const { scope, name, store, objectId, versionId, bytes, lastUsedMs, purge, isSourceInUse, isCountedBesides } = record;
  return {
    ...copyFacts(record),
    scope,
    name,
    store,
    goodCopies,
    objectId,
    versionId,
    bytes,
    lastUsedMs,
    purge,
    isSourceInUse,
    isCountedBesides,
    hasBytes: own?.token !== undefined,
    locks: 0,
    goodOrHeldCopies: goodCopies.length,
  };
}
