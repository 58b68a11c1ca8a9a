import { type Selectable, sql } from 'kysely';
import type { Content } from '../../domain/object/version.ts';
import type { Intent, IntentAdded } from '../../ports/catalog.ts';
import { enterBarrier } from '../barrier.ts';
import type { Schema } from '../schema.ts';
import type { Session } from '../session.ts';
import { decodeHolder, encodeHolder } from './holder.ts';

/** Takes the write lock of a store's key. The same intent again is `added`: it is held by who asks. */
export async function addIntent(session: Session, intent: Intent): Promise<IntentAdded> {
  await enterBarrier(session, 'moves');
  const { operation, scope, name, store, key, oldToken, follows, content, holder, createdMs } = intent;
  for (;;) {
    const { host, pid, process_started_ms } = encodeHolder(holder);
    const { rows } = await sql`
      insert into intent (operation, scope, name, store, key, old_token, follows, content, host, pid,
        process_started_ms, created_ms)
      select ${operation}, ${scope}, ${name}, ${store}, ${key}, ${oldToken ?? null}, ${follows ?? null},
        ${JSON.stringify(content, tagBigint)}, ${host}, ${pid}, ${process_started_ms}, ${createdMs}
      where not exists (${otherSource(intent)}) on conflict do nothing returning operation`.execute(session.db);
    if (rows.length > 0) return 'added';
    const held = await session.db
      .selectFrom('intent')
      .selectAll()
      .where((where) =>
        where.or([where('operation', '=', operation), where.and([where('store', '=', store), where('key', '=', key)])]),
      )
      .orderBy('created_ms')
      .executeTakeFirst();
    if (held === undefined) {
      const { rows: others } = await otherSource(intent).execute(session.db);
      if (others[0] !== undefined) return { elsewhere: others[0].place };
      continue; // removed by its owner in between
    }
    const same = held.operation === operation && held.store === store && held.key === key;
    return same ? 'added' : { heldBy: decodeIntent(held) };
  }
}

/** Of whoever was begun before the source was moved. */
function otherSource({ scope, store }: Pick<Intent, 'scope' | 'store'>) {
  return sql<{ place: string }>`
    select s.place from scope c join store s on s.id = c.source where c.name = ${scope} and s.place <> ${store}`;
}

export async function listIntents(session: Session): Promise<readonly Intent[]> {
  const rows = await session.db.selectFrom('intent').selectAll().orderBy('created_ms').orderBy('operation').execute();
  return rows.map(decodeIntent);
}

export async function removeIntent(session: Session, operation: string): Promise<void> {
  await session.db.deleteFrom('intent').where('operation', '=', operation).execute();
}

function decodeIntent(row: Selectable<Schema['intent']>): Intent {
  return {
    operation: row.operation,
    scope: row.scope,
    name: row.name,
    store: row.store,
    key: row.key,
    oldToken: row.old_token ?? undefined,
    follows: row.follows ?? undefined,
    content: decodeContent(row.content),
    holder: decodeHolder(row),
    createdMs: row.created_ms,
  };
}

/** JSON knows no bigint: nanoseconds are written as `{"ns":"…"}`. */
function tagBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? { ns: value.toString() } : value;
}

function decodeContent(text: string): Content {
  const content = JSON.parse(text) as Content & { modifiedNs?: { ns: string } | undefined };
  if (content.kind === 'tombstone') return { kind: 'tombstone' };
  const { modifiedNs, sha256, ...rest } = content;
  return { ...rest, sha256, ...(modifiedNs === undefined ? {} : { modifiedNs: BigInt(modifiedNs.ns) }) };
}
