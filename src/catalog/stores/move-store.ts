import { sql } from 'kysely';
import type { MoveStore, StoreMove } from '../../ports/store-places.ts';
import type { StoreSaid } from '../../ports/store-use.ts';
import { closeBarrier } from '../barrier.ts';
import { stateCode, verificationCode } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { openStore } from '../verbs/open-scope.ts';
import { findAtWork } from './at-work.ts';
import { mergeStores } from './merge-stores.ts';

/**
 * What is known of the old place is known of the new one, in one transaction, so that nobody ever knows half of it there. The old place
 * keeps its number, also where the new one has none yet: a process that runs has it in mind as that place, and would go there.
 */
export async function moveStore(session: Session, { from, to, title, tokensHold }: MoveStore): Promise<StoreMove> {
  await closeBarrier(session, 'moves');
  const { db } = session;
  const known = await db.selectFrom('store').select(['id', 'place']).where('place', 'in', [from, to]).execute();
  const old = known.find(({ place }) => place === from)?.id;
  if (old === undefined || from === to) return { kind: 'unknown' };
  const held = await findAtWork(
    session,
    [from, to],
    known.map(({ id }) => id),
  );
  if (held !== undefined) return held;
  if (!tokensHold) await doubtTokens(session, old);
  // What was found at the old place says nothing of the new one.
  for (const table of ['audit', 'audit_finding'] as const)
    await db.deleteFrom(table).where('store', '=', old).execute();
  await moveIntents(session, from, to);
  const into = await openStore(session, to, title);
  await mergeStores(session, { from: old, into });
  await tellBack(session, into);
  await tellMoved(session, { from: old, to, title });
  await recordEvents(session, [{ kind: 'store-moved', scope: '', store: to, detail: `${title} lay at ${from}` }]);
  return { kind: 'moved' };
}

/**
 * The same bytes, as far as is known, under tokens nobody has seen. Copies that rules hold stay what they are: a read or a delete of one
 * asks for its token, and finds out.
 */
async function doubtTokens({ db }: Session, store: number): Promise<void> {
  const [seen, good, leaving] = (['UNVERIFIED', 'AVAILABLE', 'BEING_DELETED'] as const).map((state) =>
    sql.lit(stateCode(state)),
  );
  await sql`update replica set state = ${seen}, verification = ${sql.lit(verificationCode('none'))}, unflushed = null
    where store = ${store} and state = ${good} and placed is null
      and not exists (select 1 from lock l where l.object = replica.object and l.store = replica.store)`.execute(db);
  await sql`update replica set token = null where store = ${store} and state = ${leaving}`.execute(db);
}

/** Processes that run know the old place only: nobody is to do anything there in the store's name. */
async function tellMoved(
  session: Session,
  { from, to, title }: { readonly from: number; readonly to: string; readonly title: string },
): Promise<void> {
  const said = JSON.stringify({ movedTo: { place: to, title } } satisfies StoreSaid);
  await session.db
    .insertInto('store_setting')
    .values({ store: from, said, updated_ms: nowMs(session) })
    .onConflict((conflict) => conflict.column('store').doUpdateSet({ said }))
    .execute();
}

/** It lies here, wherever it was before. */
async function tellBack({ db }: Session, store: number): Promise<void> {
  const row = await db.selectFrom('store_setting').select('said').where('store', '=', store).executeTakeFirst();
  if (row === undefined) return;
  const { movedTo, ...said } = JSON.parse(row.said) as StoreSaid;
  if (movedTo === undefined) return;
  await db
    .updateTable('store_setting')
    .set({ said: JSON.stringify(said) })
    .where('store', '=', store)
    .execute();
}

/** A write under way is told by what lies at the place it is at now; where somebody writes there, that is his. */
async function moveIntents({ db }: Session, from: string, to: string): Promise<void> {
  await sql`delete from intent where store = ${from}
    and exists (select 1 from intent other where other.store = ${to} and other.key = intent.key)`.execute(db);
  await db.updateTable('intent').set({ store: to }).where('store', '=', from).execute();
}
