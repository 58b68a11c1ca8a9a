import type { StuckReason } from '../../domain/rule/stuck-reason.ts';
import { lockCode } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

type LockKey = readonly [object: number, store: number, rule: number];

const STUCK = lockCode('STUCK');
const MATCHES = 'lock.object = r.object and lock.store = r.store and lock.rule = r.rule';
const KEY = { object: 'int', store: 'int', rule: 'int' } as const;

const insert: SetStatement = {
  columns: { ...KEY, state: 'int' },
  text: (rows) =>
    `insert into lock (object, store, rule, state, stuck_ms) select r.object, r.store, r.rule, r.state, 0 from ${rows} where true`,
};

/** Time spent stuck is added up, also where a try ends in the transaction that began it; a clock that was set back takes none of it away. */
const addUp = (nowMs: string) =>
  `lock.stuck_ms + case when lock.since_ms < ${nowMs} then ${nowMs} - lock.since_ms else 0 end`;

const move: SetStatement = {
  columns: { ...KEY, state: 'int' },
  text: (rows, { nowMs }) =>
    `update lock set state = r.state, since_ms = null, retry_ms = null, reason = null, detail = null,
       stuck_ms = ${addUp(nowMs)}
     from ${rows} where ${MATCHES}`,
};

const stick: SetStatement = {
  columns: { ...KEY, after: 'int', reason: 'text', detail: 'text' },
  text: (rows, { nowMs }) =>
    `update lock set state = ${STUCK}, stuck_ms = ${addUp(nowMs)}, since_ms = ${nowMs}, retry_ms = ${nowMs} + r.after,
       reason = r.reason, detail = r.detail
     from ${rows} where ${MATCHES}`,
};

const remove: SetStatement = {
  columns: KEY,
  text: (rows) => `delete from lock where (object, store, rule) in (select r.object, r.store, r.rule from ${rows})`,
};

export async function insertLocks(
  session: Session,
  rows: readonly (readonly [...LockKey, state: number])[],
): Promise<void> {
  await session.run(insert, rows);
}

/** To a state that is not `STUCK`. */
export async function moveLocks(
  session: Session,
  rows: readonly (readonly [...LockKey, state: number])[],
): Promise<void> {
  await session.run(move, rows);
}

export interface Sticking {
  readonly reason: StuckReason;
  /** Until it is tried again; undefined: when its store is back. */
  readonly afterMs: number | undefined;
}

export async function stickLocks(
  session: Session,
  locks: readonly { readonly key: LockKey; readonly sticking: Sticking }[],
): Promise<void> {
  await session.run(
    stick,
    locks.map(({ key, sticking: { reason, afterMs } }): SqlValue[] => [
      ...key,
      afterMs === undefined ? null : Math.ceil(afterMs),
      reason.kind,
      reason.detail,
    ]),
  );
}

export async function removeLocks(session: Session, rows: readonly LockKey[]): Promise<void> {
  await session.run(remove, rows);
}
