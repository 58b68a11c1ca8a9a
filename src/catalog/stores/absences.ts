import { sql } from 'kysely';
import { formatInstant } from '../../domain/format-instant.ts';
import type { AbsenceCatalog, AbsenceTurn, KeptStore, StoreAbsence } from '../../ports/store-absences.ts';
import { lockCode, stateCode } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';

/** What `store_absence.marked` says. */
const MARKED: readonly StoreAbsence['copies'][] = ['kept', 'being-marked', 'unavailable'];

/** Who goes through a store's copies says so with each page; who has not for so long has stopped. */
const TURN_MS = 30_000;

/** Who got an answer from a store that somebody else gets none from says so every minute, and so long it is not away. */
const ANSWERED_MS = 150_000;
/** For so long after somebody got none. */
const CONTESTED_MS = 600_000;

type AbsenceColumns = { readonly since_ms: number; readonly away_ms: number; readonly marked: number };
type KeptColumns = { readonly place: string; readonly answered_ms: number | null } & (
  | AbsenceColumns
  | Record<keyof AbsenceColumns, null>
);

export async function listKeptStores(session: Session): Promise<readonly KeptStore[]> {
  const { rows } = await sql<KeptColumns>`
    select s.place, a.since_ms, ${nowMs(session)} - a.since_ms as away_ms, a.marked, a.answered_ms
    from store s left join store_absence a on a.store = s.id
    where a.store is not null
      or exists (select 1 from store_space p where p.store = s.id and p.used + p.reserved > 0)
      or exists (select 1 from account_use u where u.store = s.id and u.locks > 0)
    order by s.place`.execute(session.db);
  return rows.map((row) => ({
    store: row.place,
    absence: row.since_ms === null || row.answered_ms !== null ? undefined : decodeAbsence(row),
    isContested: row.answered_ms !== null,
  }));
}

function decodeAbsence({ since_ms, away_ms, marked }: AbsenceColumns): StoreAbsence {
  return { sinceMs: since_ms, awayMs: Math.max(0, away_ms), copies: MARKED[marked] ?? 'kept' };
}

export async function tellAway(session: Session, place: string): Promise<StoreAbsence | undefined> {
  const { db } = session;
  const store = await session.known.stores.requireId(session, place);
  const now = nowMs(session);
  const made = await db
    .insertInto('store_absence')
    .values({ store, since_ms: now, told_ms: now, answered_ms: null, marked: 0, token: 0, turn: null, turn_ms: null })
    .onConflict((conflict) => conflict.column('store').doNothing())
    .returning('store')
    .execute();
  const again = await db
    .updateTable('store_absence')
    .set({ since_ms: now, answered_ms: null })
    .where('store', '=', store)
    .where('answered_ms', '<=', sql<number>`${now} - ${sql.lit(ANSWERED_MS)}`)
    .returning('store')
    .execute();
  if (made.length + again.length > 0) {
    const detail = `${await titleOf(session, store)} does not answer: what rules and uploads have there is not available now`;
    await recordEvents(session, [{ kind: 'store-became-unreachable', scope: '', store: place, detail }]);
  }
  const row = await db
    .updateTable('store_absence')
    .set({ told_ms: now })
    .where('store', '=', store)
    .returning(['since_ms', 'marked', 'answered_ms', sql<number>`${now} - since_ms`.as('away_ms')])
    .executeTakeFirstOrThrow();
  return row.answered_ms === null ? decodeAbsence(row) : undefined;
}

export async function tellAnswers(session: Session, place: string): Promise<void> {
  const { db } = session;
  const store = await session.known.stores.requireId(session, place);
  const now = nowMs(session);
  await db
    .deleteFrom('store_absence')
    .where('store', '=', store)
    .where('answered_ms', 'is not', null)
    .where('told_ms', '<=', sql<number>`${now} - ${sql.lit(CONTESTED_MS)}`)
    .execute();
  await db
    .updateTable('store_absence')
    .set({ answered_ms: now })
    .where('store', '=', store)
    .where('answered_ms', 'is not', null)
    .execute();
}

const TURNS = { mark: 1, back: 2 } as const;

export async function claimAbsence(
  session: Session,
  place: string,
  turn: Parameters<AbsenceCatalog['claimAbsence']>[1],
): Promise<AbsenceTurn | undefined> {
  const store = await session.known.stores.requireId(session, place);
  const now = nowMs(session);
  // Whoever marks copies is stopped by news that the store answers.
  const isTaken = turn === 'back' ? sql`coalesce(turn, 0) = ${sql.lit(TURNS.back)}` : sql`turn is not null`;
  const { rows } = await sql<{ marked: number; since_ms: number }>`
    select marked, since_ms from store_absence
    where store = ${store} and answered_ms is null and not (${isTaken} and turn_ms > ${now} - ${sql.lit(TURN_MS)})
    ${sql.raw(session.engine.forUpdate)}`.execute(session.db);
  const [before] = rows;
  if (before === undefined) return undefined;
  const { token } = await session.db
    .updateTable('store_absence')
    .set({
      token: sql<number>`token + 1`,
      turn: TURNS[turn],
      turn_ms: now,
      ...(turn === 'back' ? { since_ms: now, marked: Math.min(before.marked, 1) } : { marked: 1 }),
    })
    .where('store', '=', store)
    .returning('token')
    .executeTakeFirstOrThrow();
  if (turn === 'mark' && before.marked === 0) {
    const title = await titleOf(session, store);
    const detail = `${title} has not answered since ${formatInstant(before.since_ms)}: rules bring elsewhere what they have there`;
    await recordEvents(session, [{ kind: 'store-stayed-unreachable', scope: '', store: place, detail }]);
  }
  return { store: place, token };
}

interface HeldTurn {
  readonly store: number;
  readonly sinceMs: number;
  readonly marked: number;
}

/** Before any object is locked. Undefined: the turn is lost. */
export async function holdTurn(session: Session, { store: place, token }: AbsenceTurn): Promise<HeldTurn | undefined> {
  const store = await session.known.stores.requireId(session, place);
  const [row] = await session.db
    .updateTable('store_absence')
    .set({ turn_ms: nowMs(session) })
    .where('store', '=', store)
    .where('token', '=', token)
    .where('turn', 'is not', null)
    .returning(['since_ms', 'marked'])
    .execute();
  return row === undefined ? undefined : { store, sinceMs: row.since_ms, marked: row.marked };
}

/** All copies are marked. */
export async function endMarking({ db }: Session, store: number): Promise<void> {
  await db
    .updateTable('store_absence')
    .set({ marked: 2, turn: null, turn_ms: null })
    .where('store', '=', store)
    .execute();
}

export async function endAbsence(session: Session, turn: AbsenceTurn): Promise<boolean> {
  const held = await holdTurn(session, turn);
  if (held === undefined) return false;
  const { store, marked } = held;
  const { db } = session;
  if (marked !== 0 && (await hasUnrecognised(session, store))) return false;
  await db
    .updateTable('store_absence')
    .set({ answered_ms: nowMs(session), marked: 0, turn: null, turn_ms: null })
    .where('store', '=', store)
    .execute();
  const title = await titleOf(session, store);
  await recordEvents(session, [
    { kind: 'store-answered-again', scope: '', store: turn.store, detail: `${title} answers again` },
  ]);
  if (marked === 0) return true;
  await retryWaiting(session, store).execute();
  return true;
}

/**
 * Stuck locks that nobody would try again. SQLite takes `lock_stuck` only where the state is no parameter. Those of suspended rules have
 * no time either: whoever tries them next passes them over.
 */
export function retryWaiting(session: Pick<Session, 'db' | 'engine'>, store: number) {
  return session.db
    .updateTable('lock')
    .set({ retry_ms: nowMs(session) })
    .where('store', '=', store)
    .where('state', '=', sql.lit(lockCode('STUCK')))
    .where('retry_ms', 'is', null);
}

/** Once it is away no more nobody would look at them. Costs a look at all copies where there are none. */
async function hasUnrecognised({ db }: Session, store: number): Promise<boolean> {
  const { rows } = await sql`
    select 1 from replica where store = ${store} and state = ${sql.lit(stateCode('UNAVAILABLE'))}
      and placed is not null and token is not null limit 1`.execute(db);
  return rows.length > 0;
}

async function titleOf({ db }: Session, store: number): Promise<string> {
  const { title } = await db.selectFrom('store').select('title').where('id', '=', store).executeTakeFirstOrThrow();
  return title;
}
