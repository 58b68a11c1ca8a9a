import { formatObjectName } from '../../domain/object/object-name.ts';
import { chooseDeletions, type ReleasedReplica, type StoreSpace } from '../../domain/replica/deletion-choice.ts';
import { isGoodCopy } from '../../domain/replica/good-copy.ts';
import type { ReleasedRecord, RuleCatalog, StoreUse } from '../../ports/rules.ts';
import type { Telling } from '../../ports/telling.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { StoreAccess } from '../stores/store-access.ts';
import type { HeldReleases } from './held-releases.ts';
import { type LookPorts, type ReleasedCopy, seeOtherCopies } from './see-other-copies.ts';

export interface ReleasePorts extends LookPorts {
  readonly catalog: LookPorts['catalog'] & Pick<RuleCatalog, 'listReleased' | 'condemn' | 'readStoreUse'>;
  /** Bytes free at a store now; undefined where it does not tell, or cannot be asked. */
  readonly freeBytes: (store: StoreAccess) => Promise<number | undefined>;
  /** Of this process. */
  readonly held: HeldReleases;
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
    chosen += await deleteAt({ ...ports, stores }, store, used, signal);
  }
  return chosen;
}

async function deleteAt(ports: ReleasePorts, store: StoreAccess, used: StoreUse, signal: AbortSignal): Promise<number> {
  const { catalog, held, telling } = ports;
  const inMemory = [...ports.stores.values()].filter(({ isInMemory }) => isInMemory).map(({ place }) => place);
  let leavingBytes = used.leavingBytes;
  let condemned = 0;
  while (!signal.aborted) {
    const wanted = PAGE_REPLICAS + held.countAt(store.place);
    const released = await catalog.listReleased(store.place, wanted);
    const open = released.filter((one) => !held.has(one));
    if (open.length === 0) break;
    const space = await spaceOf(ports, store, leavingBytes);
    const { chosen, kept } = chooseDeletions(
      open.map((record) => factsOf(record, inMemory)),
      space,
    );
    const isAnyHeld = kept.some(({ isHeld }) => isHeld);
    for (const { replica, isHeld } of kept) if (isHeld) held.hold(replica);
    if (chosen.length === 0 && !isAnyHeld) break;
    const isSeen = await seeOtherCopies(
      ports,
      chosen.map(({ replica }) => replica),
      signal,
    );
    const going = chosen.filter((_, at) => isSeen[at] === true);
    for (const [at, { replica }] of chosen.entries()) if (isSeen[at] !== true) held.hold(replica);
    const keys = going.map(({ replica: { scope, name, versionId } }) => ({
      scope,
      name,
      versionId,
      store: store.place,
    }));
    const done = await catalog.condemn(keys, { exceptStores: inMemory });
    for (const [at, { replica, why }] of going.entries()) {
      if (done[at] !== true) {
        held.hold(replica);
        continue;
      }
      leavingBytes += replica.bytes;
      condemned++;
      telling?.debug?.('a released copy goes', { object: formatObjectName(replica), store: store.name, why });
    }
    if (released.length < wanted) break;
  }
  return condemned;
}

async function spaceOf({ freeBytes }: ReleasePorts, store: StoreAccess, leavingBytes: number): Promise<StoreSpace> {
  const { greedy, freeBytesMin } = store.traits;
  // Nobody is asked where the answer decides nothing.
  const free = freeBytesMin === undefined || greedy ? undefined : await freeBytes(store);
  return { freeBytes: free, minFreeBytes: freeBytesMin, leavingBytes, greedy };
}

type ReleasedFacts = ReleasedReplica & ReleasedCopy;

function factsOf(record: ReleasedRecord, inMemory: readonly string[]): ReleasedFacts {
  const copyFacts = <Copy extends { readonly store: string }>(copy: Copy) => ({
    ...copy,
    isInMemory: inMemory.includes(copy.store),
    sharesBytes: false,
    isCache: false,
  });
  const goodCopies = record.copies.filter((copy) => isGoodCopy(copyFacts(copy)));
  const { scope, name, store, objectId, versionId, bytes, lastUsedMs, purge, isSourceInUse } = record;
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
    locks: 0,
    goodOrHeldCopies: goodCopies.length,
  };
}
