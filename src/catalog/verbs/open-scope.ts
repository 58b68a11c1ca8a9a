import { sql } from 'kysely';
import type { OpenScope, ScopeOpened } from '../../ports/scopes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

/** Makes the scope and its stores known, and the profile's replicas its standing rule. */
export async function openScope(session: Session, opened: OpenScope): Promise<ScopeOpened> {
  const { db } = session;
  if (opened.source !== undefined) {
    const other = await findOtherSource(session, opened.name, opened.source);
    if (other !== undefined) return { kind: 'elsewhere', source: other };
  }
  const now = nowMs(session);
  if (opened.formerly !== undefined && opened.formerly !== opened.name)
    await rename(session, opened.formerly, opened.name);
  const source = opened.source === undefined ? NO_SOURCE : await openStore(session, opened.source, opened.title);
  const replicas = [];
  for (const replica of opened.replicas) {
    replicas.push({ ...replica, id: await openStore(session, replica.store, replica.title) });
  }
  const { id: scope } = await db
    .insertInto('scope')
    .values({ name: opened.name, title: opened.title, source, created_ms: now })
    .onConflict((conflict) =>
      conflict.column('name').doUpdateSet({
        title: keepingSourced(source, 'title', opened.title),
        source: keepingSourced(source, 'source', source),
      }),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  if (!opened.standing) return { kind: 'opened' };

  const named = replicas.map((replica) => replica.id);
  await db
    .updateTable('standing_rule')
    .set({ ended_ms: now })
    .where('origin', '=', 'profile')
    .where('scope', '=', scope)
    .where('ended_ms', 'is', null)
    .$if(named.length > 0, (query) => query.where('store', 'not in', named))
    .execute();
  for (const { id, priority } of replicas) {
    await db
      .insertInto('standing_rule')
      .values({ origin: 'profile', scope, store: id, priority, created_ms: now, ended_ms: null })
      .onConflict((conflict) =>
        conflict.columns(['origin', 'scope', 'store']).doUpdateSet({
          priority,
          created_ms: sql<number>`case when standing_rule.ended_ms is null then standing_rule.created_ms else ${now} end`,
          ended_ms: null,
        }),
      )
      .execute();
  }
  return { kind: 'opened' };
}

/** Two sources under one name would be taken for one: what is deleted at the one would go at the other. */
export async function findOtherSource(session: Session, scope: string, source: string): Promise<string | undefined> {
  const other = await session.db
    .selectFrom('scope')
    .innerJoin('store', 'store.id', 'scope.source')
    .select('store.place')
    .where('scope.name', '=', scope)
    .where('store.place', '<>', source)
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('object').select('object.id').whereRef('object.scope', '=', 'scope.id')),
    )
    .executeTakeFirst();
  return other?.place;
}

/** Of a scope of uploads: no store has this number. */
export const NO_SOURCE = 0;

/** Of a scope that has a source, what is said without one changes nothing. */
function keepingSourced<T extends string | number>(source: number, column: 'title' | 'source', value: T) {
  const kept = sql.ref(`scope.${column}`);
  return sql<T>`case when scope.source <> ${sql.lit(NO_SOURCE)} and ${sql.lit(source)} = ${sql.lit(NO_SOURCE)} then ${kept} else ${value} end`;
}

/** A scope that is known under both names stays two. */
async function rename(session: Session, from: string, to: string): Promise<void> {
  const { db } = session;
  const renamed = await db
    .updateTable('scope')
    .set({ name: to })
    .where('name', '=', from)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('scope as other').select('id').where('other.name', '=', to))),
    )
    .returning('id')
    .execute();
  if (renamed.length === 0) return;
  session.known.scopes.forget();
  for (const table of ['sync', 'intent', 'event'] as const)
    await db.updateTable(table).set({ scope: to }).where('scope', '=', from).execute();
}

export async function openStore(session: Session, place: string, title: string): Promise<number> {
  const { id } = await session.db
    .insertInto('store')
    .values({ place, title, created_ms: nowMs(session) })
    .onConflict((conflict) => conflict.column('place').doUpdateSet({ title }))
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}
