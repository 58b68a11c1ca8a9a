import type { StuckReason } from '../../domain/rule/stuck-reason.ts';
import { stuckWaitMs } from '../../domain/rule/stuck-retry.ts';
import { lockCode, PLACED, RELEASED, stateCode, TO_PURGE } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { UseDeltas, keepUse } from './account-use.ts';
import { askForCopies, cancelCopiesOfRules, type CopyWish, findTriedCopies } from './copy-requests.ts';
import { type CopyJoined, joinCopies } from './follow-words.ts';
import { insertLocks, moveLocks, removeLocks, stickLocks, type Sticking } from './lock-rows.ts';
import { CountDeltas, keepCounts } from './rule-counts.ts';
import type { LockOwner, SeenObject, SeenReplica } from './seen.ts';
import { keepSpace, lockRoom, SpaceDeltas } from './space.ts';
import { type CopyPlace, findTakenPlaces } from './taken-places.ts';

/** What becomes of one lock. */
export interface LockChange {
  readonly owner: LockOwner;
  /** Undefined: it is made now. */
  readonly before: number | undefined;
  /** Undefined: it stays as it is. */
  to: 'OK' | 'REPLICATING' | Sticking | undefined;
}

/** All locks on one object at one store, and what has to be done so that they hold. */
export interface Claim {
  readonly object: SeenObject;
  readonly store: number;
  readonly locks: readonly LockChange[];
  /** A replica `COPYING` is made, at this place (as `replica.place` has it). */
  copyTo: { readonly place: string | null } | undefined;
  /** A copy is asked for; `after-delete`: what is there is on its way out. */
  request: 'now' | 'after-delete' | undefined;
}

/** Those that make a copy, with its place. */
export function copiesOf(claims: readonly Claim[]): readonly (CopyPlace & { readonly claim: Claim })[] {
  return claims.flatMap((claim) => {
    const { object, store, copyTo } = claim;
    return copyTo === undefined ? [] : [{ claim, object, store, place: copyTo.place }];
  });
}

/** What a transaction does to locks and to what follows from them, collected and written as sets. */
export class Claims {
  readonly claims: Claim[] = [];
  readonly space = new SpaceDeltas();
  readonly counts = new CountDeltas();
  readonly use = new UseDeltas();
  readonly #removed: (readonly [object: number, store: number, rule: number])[] = [];
  readonly #placed: SqlValue[][] = [];
  readonly #dropped: SqlValue[][] = [];
  readonly #abandoned: SqlValue[][] = [];

  /** `bytes`: what it claimed until now. */
  removeLock(lock: LockOwner & { object: number; store: number; state: number }, bytes: number): void {
    this.#removed.push([lock.object, lock.store, lock.rule]);
    this.counts.add(lock.rule, lock.state, undefined);
    this.use.add(lock.account, lock.store, -bytes, -1);
  }

  /** Whose the replica is from now on; `RELEASED` and `TO_PURGE` begin their time now. */
  place(replica: SeenReplica, placed: number): void {
    this.space.subtract(replica);
    this.space.add({ ...replica, placed });
    this.#placed.push([replica.object, replica.store, replica.version, placed]);
  }

  /** The row goes: nothing of the replica is left. */
  drop(replica: SeenReplica): void {
    this.space.subtract(replica);
    this.#dropped.push([replica.object, replica.store, replica.version]);
  }

  /** Copies that nobody wants any more: the row goes, or, where bytes may lie at the store already, the store is asked for them. */
  async withdraw(session: Session, copies: readonly SeenReplica[]): Promise<void> {
    const tried = await findTriedCopies(
      session,
      copies.map(({ version, store }) => [version, store]),
    );
    for (const [at, copy] of copies.entries()) {
      if (tried.has(at)) this.#abandon(copy);
      else this.drop(copy);
    }
  }

  #abandon(replica: SeenReplica): void {
    this.space.subtract(replica);
    this.space.add({ ...replica, state: stateCode('UNAVAILABLE'), placed: TO_PURGE });
    this.#abandoned.push([replica.object, replica.store, replica.version]);
  }

  /**
   * Writes all of it. Copies that a store has no room for are not made: their locks get stuck for want of space, or, if `strict`,
   * nothing was written yet and the stores are returned. Nor are those whose place is another object's: their locks get stuck, and who is
   * strict leaves them out. The caller has locked the objects; after them come stores, accounts, rules.
   */
  async write(session: Session, options: { readonly strict?: boolean } = {}): Promise<readonly number[]> {
    // Who is strict has asked before. Stores are locked here, and then some of these again.
    if (options.strict !== true) await this.#refuseTaken(session);
    const full = await this.#findFull(session, options.strict === true);
    if (options.strict === true && full.length > 0) return full;
    await session.run(dropReplica, this.#dropped);
    await session.run(abandonReplica, this.#abandoned);
    await session.run(placeReplica, this.#placed);
    await removeLocks(session, this.#removed);
    await this.#writeCopies(session);
    await this.#writeLocks(session);
    await keepSpace(session, this.space);
    await keepUse(session, this.use);
    await keepCounts(session, this.counts);
    return [];
  }

  async #findFull(session: Session, strict: boolean): Promise<readonly number[]> {
    const copies = this.claims.filter(({ copyTo }) => copyTo !== undefined);
    if (copies.length === 0) return [];
    const left = await lockRoom(
      session,
      copies.map(({ store }) => store),
    );
    const full = new Set<number>();
    const refused: Claim[] = [];
    for (const claim of copies) {
      const room = left.get(claim.store);
      if (room === undefined) continue;
      if (claim.object.bytes <= room) {
        left.set(claim.store, room - claim.object.bytes);
        continue;
      }
      full.add(claim.store);
      refused.push(claim);
    }
    if (!strict) {
      for (const claim of refused) stick(claim, NO_SPACE, session.known.random.fraction());
      await cancelCopiesOfRules(
        session,
        refused.map(({ object, store }) => [object.current, store]),
        'its store has no space left',
      );
    }
    return [...full];
  }

  async #refuseTaken(session: Session): Promise<void> {
    const taken = await findTakenPlaces(session, copiesOf(this.claims));
    for (const [{ claim }, detail] of taken) {
      stick(claim, { kind: 'destination-refuses', detail }, session.known.random.fraction());
      await cancelCopiesOfRules(session, [[claim.object.current, claim.store]], detail);
    }
  }

  async #writeCopies(session: Session): Promise<void> {
    const rows: SqlValue[][] = [];
    const wishes: CopyWish[] = [];
    const joined: CopyJoined[] = [];
    for (const { object, store, locks, copyTo, request } of this.claims) {
      if (copyTo !== undefined) {
        rows.push([object.id, store, object.current, copyTo.place]);
        const state = stateCode('COPYING');
        this.space.add({ store, state, hasToken: false, placed: PLACED, bytes: object.bytes });
      }
      const [first] = locks;
      if (first === undefined) continue;
      if (request === undefined) {
        for (const { owner, before, to } of locks)
          if (before === undefined && to === 'REPLICATING') joined.push({ version: object.current, store, owner });
        continue;
      }
      const priority = Math.min(...locks.map(({ owner }) => owner.priority));
      const waits = request === 'after-delete';
      wishes.push({ object, store, owner: first.owner, reason: 'rule', priority, waits });
    }
    await session.run(makeCopy, rows);
    await askForCopies(session, wishes);
    await joinCopies(session, joined);
  }

  async #writeLocks(session: Session): Promise<void> {
    const inserts: [number, number, number, number][] = [];
    const moves: [number, number, number, number][] = [];
    const sticks: { key: [number, number, number]; sticking: Sticking }[] = [];
    for (const { object, store, locks } of this.claims) {
      for (const { owner, before, to } of locks) {
        if (to === undefined) continue;
        const after = lockCode(typeof to === 'string' ? to : 'STUCK');
        const key: [number, number, number] = [object.id, store, owner.rule];
        if (before === undefined) {
          inserts.push([...key, typeof to === 'string' ? after : lockCode('REPLICATING')]);
          this.use.add(owner.account, store, object.bytes, 1);
          this.space.touch(store);
        } else if (typeof to === 'string') moves.push([...key, after]);
        if (typeof to !== 'string') sticks.push({ key, sticking: to });
        this.counts.add(owner.rule, before, after);
      }
    }
    await insertLocks(session, inserts);
    await moveLocks(session, moves);
    await stickLocks(session, sticks);
  }
}

const NO_SPACE = { kind: 'destination-full', detail: 'its store has no space left for a copy' } as const;

/** The copy is not made. */
function stick(claim: Claim, reason: StuckReason, fraction: number): void {
  claim.copyTo = undefined;
  claim.request = undefined;
  for (const lock of claim.locks) {
    const stays = lock.to ?? (lock.before === lockCode('REPLICATING') ? 'REPLICATING' : undefined);
    if (stays === 'REPLICATING') lock.to = { reason, afterMs: stuckWaitMs(1, fraction) };
  }
}

const makeCopy: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int', place: 'text' },
  text: (rows) =>
    `insert into replica (object, store, version, state, verification, place, placed)
     select r.object, r.store, r.version, ${stateCode('COPYING')}, 0, r.place, ${PLACED} from ${rows} where true`,
};

const placeReplica: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int', placed: 'int' },
  text: (rows, { nowMs }) =>
    `update replica set placed = r.placed, used_ms = case when r.placed in (${RELEASED}, ${TO_PURGE})
       then coalesce(replica.used_ms, ${nowMs}) end
     from ${rows} where replica.object = r.object and replica.store = r.store and replica.version = r.version`,
};

/** Given up and released, to go at once: what its worker may have left is looked for and deleted as any released copy is. */
const abandonReplica: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows, { nowMs }) =>
    `update replica set state = ${stateCode('UNAVAILABLE')}, placed = ${TO_PURGE}, used_ms = ${nowMs} from ${rows}
     where replica.object = r.object and replica.store = r.store and replica.version = r.version`,
};

const dropReplica: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `delete from replica where (object, store, version) in (select r.object, r.store, r.version from ${rows})`,
};
