import { sql } from 'kysely';
import { formatInstant } from '../../domain/format-instant.ts';
import type { AbsenceQuery, AbsenceTurn, MarkedPage } from '../../ports/store-absences.ts';
import { lockCode, stateCode, stateCodeAfter } from '../codes.ts';
import { Claims } from '../rules/claims.ts';
import type { Sticking } from '../rules/lock-rows.ts';
import { lockObjectsById, seeLocks, seeObjects, type SeenReplica, seeReplicas } from '../rules/seen.ts';
import { tellContentChanged } from '../rules/tell-rule.ts';
import type { Session, SetStatement } from '../session.ts';
import { endMarking, holdTurn } from './absences.ts';

/** Objects of one page at most. */
const PAGE_MAX = 10_000;
const AVAILABLE = stateCode('AVAILABLE');
const UNAVAILABLE = stateCodeAfter('AVAILABLE', 'stayed-unreachable');

/** What is given up for want of its store. Without a token it would be one that never came. */
const mark: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `update replica set state = ${UNAVAILABLE} from ${rows}
     where replica.object = r.object and replica.store = r.store and replica.version = r.version
       and replica.state = ${AVAILABLE} and replica.placed is not null and replica.token is not null`,
};

export async function markUnavailable(
  session: Session,
  turn: AbsenceTurn,
  { after, limit }: AbsenceQuery,
): Promise<MarkedPage | undefined> {
  const held = await holdTurn(session, turn);
  if (held === undefined) return undefined;
  const { store, sinceMs } = held;
  const wanted = Math.min(limit, PAGE_MAX);
  const ids = await findObjects(session, { store, state: AVAILABLE, after: Number(after ?? 0), limit: wanted });
  await lockObjectsById(session, ids);
  const copies = (await seeReplicas(session, ids)).filter(
    (one) => one.store === store && one.state === AVAILABLE && one.placed !== null && one.hasToken,
  );
  await session.run(
    mark,
    copies.map(({ object, version }) => [object, store, version]),
  );
  await stickLocksAt(session, copies, `its store has not answered since ${formatInstant(sinceMs)}`);
  const isLast = ids.length < wanted;
  if (isLast) await endMarking(session, store);
  return { copies: copies.length, next: isLast ? undefined : String(ids.at(-1)) };
}

/** With a copy at the store in this state that a rule or an upload placed. */
export async function findObjects(
  session: Session,
  { store, state, after, limit }: Readonly<Record<'store' | 'state' | 'after' | 'limit', number>>,
): Promise<readonly number[]> {
  const query = sql`select distinct object from replica
    where store = ${store} and object > ${after} and state = ${sql.lit(state)} and placed is not null and token is not null
    order by object limit ${limit}`;
  const rows = await session.arrays<readonly [number]>({ compile: () => query.compile(session.db) });
  return rows.map(([object]) => object);
}

/** The copy is not asked for anew: it is there when the store is, and until then nothing is brought there. */
async function stickLocksAt(session: Session, copies: readonly SeenReplica[], detail: string): Promise<void> {
  const ids = [...new Set(copies.map(({ object }) => object))];
  const byObject = Map.groupBy(copies, ({ object }) => object);
  const locks = Map.groupBy(await seeLocks(session, ids), ({ object }) => object);
  const to: Sticking = { reason: { kind: 'destination-fails', detail }, afterMs: undefined };
  const claims = new Claims();
  const rules = new Set<number>();
  for (const object of await seeObjects(session, ids)) {
    const copy = byObject.get(object.id)?.find(({ version }) => version === object.current);
    if (copy === undefined) continue;
    const { store } = copy;
    const satisfied = (locks.get(object.id) ?? []).filter(
      (lock) => lock.store === store && lock.state === lockCode('OK'),
    );
    for (const { rule } of satisfied) rules.add(rule);
    if (satisfied.length === 0) continue;
    const changes = satisfied.map((owner) => ({ owner, before: owner.state, to }));
    claims.claims.push({ object, store, locks: changes, copyTo: undefined, request: undefined });
  }
  await claims.write(session);
  await tellContentChanged(session, rules);
}
