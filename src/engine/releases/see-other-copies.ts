import type { ObjectName } from '../../domain/object/object-name.ts';
import { isSettled } from '../../domain/transfer/settled-token.ts';
import type { Catalog, NewEvent, ReplicaChange } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ReleasedRecord } from '../../ports/rules.ts';
import { StorageError } from '../../ports/storage.ts';
import { askStore } from '../ask-store.ts';
import { inParallel } from '../in-parallel.ts';
import { headOrMissing } from '../observe-object.ts';
import type { StoreHealth } from '../store-health.ts';
import { openOwn } from '../stores/open-own.ts';
import type { Stores } from '../stores/store-access.ts';

export interface LookPorts {
  readonly catalog: Pick<Catalog, 'record'>;
  readonly clock: Clock;
  readonly health: StoreHealth;
  readonly stores: Stores;
}

/** A copy that is about to go, and those of its object that count, itself too where it does. */
export interface ReleasedCopy extends ObjectName {
  readonly objectId: number;
  readonly versionId: number;
  readonly store: string;
  readonly bytes: number;
  readonly goodCopies: readonly Copy[];
}

type Copy = Pick<
  ReleasedRecord['copies'][number],
  'store' | 'versionId' | 'place' | 'token' | 'state' | 'verification'
>;

/** Looks at once, over all stores: one a copy that goes, which costs less than its delete. */
const LOOKS_MAX = 32;

/**
 * Which of these may go as far as their stores tell: of each object one copy that counts and stays is asked for where it lies (I7), since
 * what the catalog knows of it may be long ago. One that is not there is forgotten, one that is another by now is in doubt until it is
 * read, and the next is asked for. Where none answers as it is known, the copy stays for now.
 */
export async function seeOtherCopies(
  ports: LookPorts,
  going: readonly ReleasedCopy[],
  signal: AbortSignal,
): Promise<readonly boolean[]> {
  const leaving = new Set(going.map(keyOf));
  const silent = new Set<string>();
  return inParallel(going, LOOKS_MAX, async (released) => {
    const { objectId } = released;
    const staying = released.goodCopies.filter((copy) => !leaving.has(keyOf({ ...copy, objectId })));
    for (const copy of staying) {
      if (signal.aborted) return false;
      if (silent.has(copy.store)) continue;
      const seen = await look(ports, released, copy, signal);
      if (seen === 'there') return true;
      if (seen === 'silent') silent.add(copy.store);
      else await recordSeen(ports, released, copy, seen);
    }
    return false;
  });
}

function keyOf({ objectId, versionId, store }: Pick<ReleasedCopy, 'objectId' | 'versionId' | 'store'>): string {
  return `${objectId} ${versionId} ${store}`;
}

/** `silent`: its store does not answer, is not to be asked, or is in no profile here. */
async function look(
  ports: LookPorts,
  released: ReleasedCopy,
  { store, versionId, place, token }: Copy,
  signal: AbortSignal,
): Promise<'there' | 'missing' | 'changed' | 'silent'> {
  const access = ports.stores.get(store);
  if (access?.traits.availability.read !== true || ports.health.adviseOn(store) === 'last') return 'silent';
  try {
    const storage = await openOwn(access);
    const question = { storage, key: place, deadlineMs: access.deadlineMs, signal };
    const head = await headOrMissing(() =>
      askStore(ports, question, (aborted) => storage.head(place, { signal: aborted })),
    );
    if (head === undefined) return 'missing';
    if (versionId === released.versionId && head.size !== released.bytes) return 'changed';
    return token === undefined || !isSettled(token) || head.token === token ? 'there' : 'changed';
  } catch (error) {
    if (error instanceof StorageError) return 'silent';
    throw error;
  }
}

async function recordSeen(
  { catalog }: LookPorts,
  { scope, name }: ReleasedCopy,
  { store, versionId, place, token, verification }: Copy,
  seen: 'missing' | 'changed',
): Promise<void> {
  const key = { scope, name, versionId, store, ...(token === undefined ? {} : { ifToken: token }) };
  const event = { scope, name, store, detail: 'found before another copy was to be deleted, which stays' };
  const told: { readonly replica: ReplicaChange; readonly event: NewEvent } =
    seen === 'missing'
      ? { replica: { ...key, to: 'drop' }, event: { ...event, kind: 'replica-found-missing' } }
      : {
          replica: { ...key, to: { state: 'SUSPICIOUS', place, token, verification } },
          event: { ...event, kind: 'replica-found-changed' },
        };
  await catalog.record({ replicas: [told.replica], events: [told.event] });
}
