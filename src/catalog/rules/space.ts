import { stateCode } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import type { SeenReplica } from './seen.ts';

/** By how much a transaction changes the space of one store. */
interface SpaceDelta {
  used: number;
  reserved: number;
  leaving: number;
  pending: number;
}

/** Sums what placed replicas take up. */
export class SpaceDeltas {
  readonly #stores = new Map<number, SpaceDelta>();

  add(replica: Pick<SeenReplica, 'store' | 'state' | 'hasToken' | 'placed' | 'bytes'>): void {
    this.#count(replica, 1);
  }

  subtract(replica: Pick<SeenReplica, 'store' | 'state' | 'hasToken' | 'placed' | 'bytes'>): void {
    this.#count(replica, -1);
  }

  /** The store has a row from now on: that tells every writer that there are placements. */
  touch(store: number): SpaceDelta {
    let delta = this.#stores.get(store);
    if (delta === undefined) this.#stores.set(store, (delta = { used: 0, reserved: 0, leaving: 0, pending: 0 }));
    return delta;
  }

  rows(): SqlValue[][] {
    const stores = [...this.#stores].sort(([a], [b]) => a - b);
    return stores.map(([store, { used, reserved, leaving, pending }]) => [store, used, reserved, leaving, pending]);
  }

  #count(replica: Pick<SeenReplica, 'store' | 'state' | 'hasToken' | 'placed' | 'bytes'>, sign: 1 | -1): void {
    const { store, state, hasToken, placed, bytes } = replica;
    if (placed === null) return;
    const delta = this.touch(store);
    // A copy that was given up has no bytes at the store; the space stays its own, for it is tried again.
    if (state === stateCode('COPYING') || (state === stateCode('UNAVAILABLE') && !hasToken)) {
      delta.reserved += sign * bytes;
      if (state === stateCode('COPYING')) delta.pending += sign;
      return;
    }
    delta.used += sign * bytes;
    if (state === stateCode('BEING_DELETED')) delta.leaving += sign * bytes;
  }
}

const apply: SetStatement = {
  columns: { store: 'int', used: 'int', reserved: 'int', leaving: 'int', pending: 'int' },
  text: (rows) =>
    `insert into store_space (store, used, reserved, leaving, pending)
     select r.store, r.used, r.reserved, r.leaving, r.pending from ${rows} where true
     on conflict (store) do update set used = store_space.used + excluded.used,
       reserved = store_space.reserved + excluded.reserved, leaving = store_space.leaving + excluded.leaving,
       pending = store_space.pending + excluded.pending`,
};

export async function keepSpace(session: Session, deltas: SpaceDeltas): Promise<void> {
  const rows = deltas.rows();
  const changed = rows.filter(([, ...numbers]) => numbers.some((number) => number !== 0));
  // Deltas of nothing only make the row, where there is none.
  await session.run(make, changed.length === rows.length ? [] : rows.map(([store = 0]) => [store]));
  await session.run(apply, changed);
}

const make: SetStatement = {
  columns: { store: 'int' },
  text: (rows) =>
    `insert into store_space (store, used, reserved, leaving, pending) select r.store, 0, 0, 0, 0 from ${rows} where true
     on conflict (store) do nothing`,
};

const limits: SetStatement = {
  columns: { store: 'int' },
  text: (rows, { forUpdate }) =>
    `select s.store, s.allocated - s.used - s.reserved from ${rows} join store_space s on s.store = r.store
     where s.allocated is not null order by s.store ${forUpdate}`,
};

/**
 * What the limits of these stores leave, as it stays until the transaction ends: who else wants space there waits. Stores without
 * a limit are not told.
 */
export async function lockRoom(session: Session, stores: Iterable<number>): Promise<Map<number, number>> {
  const rows = [...new Set(stores)].sort((a, b) => a - b).map((store): SqlValue[] => [store]);
  return new Map(await session.all<[store: number, left: number]>(limits, rows));
}
