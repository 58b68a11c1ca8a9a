import { findPassing, type Passing, passAuthority } from './authority.ts';
import { isSatisfied } from './satisfied.ts';
import { wakeForSource } from './source-appeared.ts';
import { enterBarrier } from '../barrier.ts';
import { LEAVING, lockCode, PLACED, RELEASED, stateCode, TO_PURGE, TOMBSTONE } from '../codes.ts';
import { keysOf, type Named } from '../record/find-objects.ts';
import type { Session } from '../session.ts';
import { Claims, type LockChange } from './claims.ts';
import { cancelCopies, endArrivedCopies, letCopiesGo } from './copy-requests.ts';
import type { Sticking } from './lock-rows.ts';
import { lookForPlacements } from './placements-exist.ts';
import {
  type SeenLock,
  type SeenObject,
  type SeenReplica,
  seeAffected,
  seeLocks,
  seeObjects,
  seeReplicas,
} from './seen.ts';

/** Objects with locks or placed replicas as they were before a transaction changed them. */
export interface ObjectsBefore {
  readonly objects: readonly SeenObject[];
  readonly replicas: readonly SeenReplica[];
}

export interface WatchedObjects extends ObjectsBefore {
  /** There are rules, so that what is made may be content of one. */
  readonly hasRules: boolean;
}

/** Looks at objects that are about to change. Their rows are locked by the caller. Empty where no rule has ever placed anything. */
export async function watchObjects(session: Session, named: readonly Named[]): Promise<WatchedObjects> {
  if (named.length === 0) return { objects: [], replicas: [], hasRules: false };
  await enterBarrier(session, 'patterns');
  const { placements, rules: hasRules } = await lookForPlacements(session);
  if (!placements) return { objects: [], replicas: [], hasRules };
  const objects = await seeAffected(session, uniqueKeys(await keysOf(session, named)));
  return { ...(await watchThese(session, objects)), hasRules };
}

export async function watchThese(session: Session, objects: readonly SeenObject[]): Promise<ObjectsBefore> {
  const ids = objects.map(({ id }) => id);
  return { objects, replicas: await seeReplicas(session, ids) };
}

function uniqueKeys(keys: readonly (readonly [number, string])[]): (readonly [number, string])[] {
  return [...new Map(keys.map((key) => [`${key[0]} ${key[1]}`, key])).values()];
}

export interface WatchOutcome {
  /** Locks of which copies were given up, by `pairKey`. */
  readonly stuck?: ReadonlyMap<string, Sticking>;
  /** Where a request is over: what its locks still want is asked for anew. */
  readonly ended?: ReadonlySet<string>;
  /** Only replicas were changed: the objects are as they were. */
  readonly areObjectsUnchanged?: boolean;
}

export function pairKey(object: number, store: number): string {
  return `${object} ${store}`;
}

/**
 * Brings locks, requests, counts, space and accounts in line with what became of the watched objects (docs/states.md, "Locks"):
 * in the transaction that changed them, after the change.
 */
export async function followObjects(
  session: Session,
  watched: ObjectsBefore,
  { stuck = new Map(), ended = new Set(), areObjectsUnchanged = false }: WatchOutcome = {},
): Promise<void> {
  if (watched.objects.length === 0) return;
  const ids = watched.objects.map(({ id }) => id);
  const follow = new Follow(
    watched,
    { stuck, ended },
    {
      objects: areObjectsUnchanged ? watched.objects : await seeObjects(session, ids),
      replicas: await seeReplicas(session, ids),
      locks: await seeLocks(session, ids),
    },
  );
  follow.decide();
  await cancelCopies(session, uniqueCopies(follow.outdated), 'the object has changed since');
  await endArrivedCopies(session, follow.arrived);
  await letCopiesGo(session, follow.letGo);
  await follow.claims.withdraw(session, follow.withdrawn);
  await follow.claims.write(session);
  await wakeForSource(session, follow.withNewSource);
  await passAuthority(session, follow.passings);
}

interface Seen {
  readonly objects: readonly SeenObject[];
  readonly replicas: readonly SeenReplica[];
  readonly locks: readonly SeenLock[];
}

type Copy = readonly [version: number, store: number];

function uniqueCopies(copies: readonly Copy[]): readonly Copy[] {
  return [...new Map(copies.map((copy) => [pairKey(...copy), copy])).values()];
}

class Follow {
  readonly claims = new Claims();
  readonly outdated: Copy[] = [];
  readonly arrived: Copy[] = [];
  readonly letGo: Copy[] = [];
  readonly withdrawn: SeenReplica[] = [];
  /** Objects with a stuck lock that have a copy they had not. */
  readonly withNewSource: number[] = [];
  readonly passings: Passing[] = [];
  readonly #before: ReadonlyMap<number, SeenObject>;
  readonly #replicasBefore: ReadonlyMap<string, SeenReplica>;
  readonly #placesBefore: ReadonlyMap<string, SeenReplica>;
  readonly #watchedOf: ReadonlyMap<number, readonly SeenReplica[]>;
  readonly #replicas: ReadonlyMap<number, readonly SeenReplica[]>;
  readonly #locks: ReadonlyMap<number, readonly SeenLock[]>;
  readonly #objects: readonly SeenObject[];
  readonly #stuck: ReadonlyMap<string, Sticking>;
  readonly #ended: ReadonlySet<string>;
  readonly #watched: ObjectsBefore;

  constructor(watched: ObjectsBefore, { stuck, ended }: Required<Pick<WatchOutcome, 'stuck' | 'ended'>>, seen: Seen) {
    this.#watched = watched;
    this.#stuck = stuck;
    this.#ended = ended;
    this.#before = new Map(watched.objects.map((object) => [object.id, object]));
    this.#replicasBefore = new Map(watched.replicas.map((one) => [replicaKey(one), one]));
    this.#placesBefore = new Map(watched.replicas.map((one) => [pairKey(one.object, one.store), one]));
    this.#watchedOf = Map.groupBy(watched.replicas, ({ object }) => object);
    this.#objects = seen.objects;
    this.#replicas = Map.groupBy(seen.replicas, ({ object }) => object);
    this.#locks = Map.groupBy(seen.locks, ({ object }) => object);
  }

  decide(): void {
    for (const replica of this.#watched.replicas) this.claims.space.subtract(replica);
    for (const object of this.#objects) {
      const replicas = this.#replicas.get(object.id) ?? [];
      for (const replica of replicas) this.claims.space.add(replica);
      const before = this.#before.get(object.id) ?? object;
      const locks = this.#locks.get(object.id) ?? [];
      this.#keepMarks(replicas, locks);
      this.#stopCopies(replicas);
      if (object.kind === TOMBSTONE) this.#forget(before, locks);
      else this.#hold(object, { before, replicas, locks });
    }
  }

  /** Marks of replicas whose deletion began or was called off otherwise than by `condemn`. */
  #keepMarks(replicas: readonly SeenReplica[], locks: readonly SeenLock[]): void {
    for (const replica of replicas) {
      const isGoing = replica.state === stateCode('BEING_DELETED');
      if (replica.placed === null || isGoing === (replica.placed === LEAVING)) continue;
      const isLocked = locks.some(({ store }) => store === replica.store);
      this.claims.place(replica, isGoing ? LEAVING : isLocked ? PLACED : RELEASED);
    }
  }

  /** What is to go is not copied to first; whoever still wants it asks anew. */
  #stopCopies(replicas: readonly SeenReplica[]): void {
    const going = stateCode('BEING_DELETED');
    for (const replica of replicas) {
      const was = this.#replicasBefore.get(replicaKey(replica));
      if (replica.state === going && was?.state !== going) this.outdated.push([replica.version, replica.store]);
    }
  }

  /** A deleted object is claimed by nobody. */
  #forget(before: SeenObject, locks: readonly SeenLock[]): void {
    for (const lock of locks) {
      this.claims.removeLock(lock, before.bytes);
      this.outdated.push([before.current, lock.store]);
    }
  }

  #hold(
    object: SeenObject,
    known: {
      readonly before: SeenObject;
      readonly replicas: readonly SeenReplica[];
      readonly locks: readonly SeenLock[];
    },
  ): void {
    const { before, replicas, locks } = known;
    const isSuperseded = before.current !== object.current;
    const passing = findPassing(object, replicas, this.#watchedOf.get(object.id) ?? []);
    if (passing !== undefined) this.passings.push(passing);
    if (this.#hasNewSource(object, replicas, locks)) this.withNewSource.push(object.id);
    for (const lock of locks) this.claims.use.add(lock.account, lock.store, object.bytes - before.bytes, 0);
    if (isSuperseded) this.#withdraw(before.current, replicas, locks);
    this.#retire(object.current, replicas);
    for (const [store, claims] of Map.groupBy(locks, (lock) => lock.store)) {
      const current = replicas.find((one) => one.store === store && one.version === object.current);
      if (isSatisfied(current?.state)) this.#satisfy(object, store, claims);
      else this.#claim(object, store, { claims, current, isSuperseded });
    }
  }

  /** Nobody waits for the version before any more, neither rules nor a profile that a rule left its copy to. */
  #withdraw(version: number, replicas: readonly SeenReplica[], locks: readonly SeenLock[]): void {
    const stores = new Set(locks.map(({ store }) => store));
    for (const replica of replicas) {
      if (replica.version !== version || replica.placed === null || !hasNoBytes(replica)) continue;
      this.withdrawn.push(replica);
      stores.add(replica.store);
    }
    for (const store of stores) this.outdated.push([version, store]);
  }

  /** Where the current version is, nobody wants the older ones. */
  #retire(current: number, replicas: readonly SeenReplica[]): void {
    const there = replicas.filter(({ version, state }) => version === current && isSatisfied(state));
    const stores = new Set(there.map(({ store }) => store));
    for (const older of replicas) {
      const isPlaced = older.placed === PLACED && older.state !== stateCode('BEING_DELETED') && !hasNoBytes(older);
      if (isPlaced && older.version !== current && stores.has(older.store)) this.claims.place(older, TO_PURGE);
    }
  }

  #satisfy(object: SeenObject, store: number, claims: readonly SeenLock[]): void {
    const moved = claims.filter(({ state }) => state !== lockCode('OK'));
    if (moved.length === 0) return;
    if (!this.#ended.has(pairKey(object.id, store))) this.arrived.push([object.current, store]);
    const locks = moved.map((owner): LockChange => ({ owner, before: owner.state, to: 'OK' }));
    this.claims.claims.push({ object, store, locks, copyTo: undefined, request: undefined });
  }

  #hasNewSource({ current }: SeenObject, replicas: readonly SeenReplica[], locks: readonly SeenLock[]): boolean {
    if (locks.every(({ state }) => state !== lockCode('STUCK'))) return false;
    return replicas.some((replica) => {
      const was = this.#replicasBefore.get(replicaKey(replica));
      return replica.version === current && givesBytes(replica) && (was === undefined || !givesBytes(was));
    });
  }

  #claim(
    object: SeenObject,
    store: number,
    known: {
      readonly claims: readonly SeenLock[];
      readonly current: SeenReplica | undefined;
      readonly isSuperseded: boolean;
    },
  ): void {
    const { claims, current, isSuperseded } = known;
    const sticking = this.#stuck.get(pairKey(object.id, store));
    const locks = claims.map((owner): LockChange => ({ owner, before: owner.state, to: undefined }));
    for (const lock of locks) {
      if (lock.before === lockCode('OK') || (isSuperseded && lock.before !== lockCode('REPLICATING'))) {
        lock.to = 'REPLICATING';
      } else if (sticking !== undefined && lock.before === lockCode('REPLICATING')) lock.to = sticking;
    }
    const waiting = locks.filter(({ before, to }) =>
      to === undefined ? before === lockCode('REPLICATING') : to === 'REPLICATING',
    );
    const was = this.#replicasBefore.get(`${pairKey(object.id, store)} ${object.current}`);
    const isOver = this.#ended.has(pairKey(object.id, store));
    const isNew =
      isSuperseded || isOver || locks.some(({ to }) => to === 'REPLICATING') || was?.state !== current?.state;
    const asks = waiting.length > 0 && isNew && current?.state !== stateCode('COPYING');
    if (asks && was?.state === stateCode('BEING_DELETED') && current === undefined) {
      this.letGo.push([object.current, store]);
    }
    const isGoing = current?.state === stateCode('BEING_DELETED');
    const request = asks ? (isGoing ? 'after-delete' : 'now') : undefined;
    const last = asks && current === undefined ? this.#lastAt(object, store) : undefined;
    if (asks && current === undefined && last === undefined) {
      // Only the store's path algorithm says where it would lie: whoever tries it again places it anew.
      for (const lock of waiting) lock.to = UNPLACED;
      this.claims.claims.push({ object, store, locks, copyTo: undefined, request: undefined });
      return;
    }
    const copyTo = last === undefined ? undefined : { place: last.place };
    this.claims.claims.push({ object, store, locks, copyTo, request });
  }

  /** Where another copy of the object lies or lay at the store: the store's algorithm asks for the name, not for the version. */
  #lastAt(object: SeenObject, store: number): SeenReplica | undefined {
    return (
      this.#replicas.get(object.id)?.find((replica) => replica.store === store) ??
      this.#placesBefore.get(pairKey(object.id, store))
    );
  }
}

const UNPLACED: Sticking = {
  reason: { kind: 'destination-fails', detail: 'its place there is looked for anew' },
  afterMs: 0,
};

/** A copy may be made from it. */
function givesBytes({ state }: SeenReplica): boolean {
  return state === stateCode('AVAILABLE') || state === stateCode('UNVERIFIED');
}

/** Being written, or given up. */
export function hasNoBytes({ state, hasToken }: Pick<SeenReplica, 'state' | 'hasToken'>): boolean {
  return state === stateCode('COPYING') || (state === stateCode('UNAVAILABLE') && !hasToken);
}

function replicaKey({ object, store, version }: SeenReplica): string {
  return `${pairKey(object, store)} ${version}`;
}
