import { sql } from 'kysely';
import { entryFromJson, entryToJson } from '../../domain/journal/entry-json.ts';
import type { VersionEntry } from '../../domain/journal/entry.ts';
import { compareVersions } from '../../domain/object/dot.ts';
import type { ClaimedFetch, FetchLease, JournalCatalog, WaitingFetch } from '../../ports/journal.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { countReceipt } from './receipts.ts';

const waitingFor: SetStatement = {
  columns: { i: 'int', scope: 'text', name: 'text' },
  text: (rows, { nowMs: now }) =>
    `select r.i, f.entry from ${rows} join wanted_bytes f on f.scope = r.scope and f.name = r.name
     where f.owner is null or f.due_ms < ${now}`,
};

const takeUpRow: SetStatement = {
  columns: { change: 'text', source: 'text', scope: 'text', name: 'text', entry: 'text', bytes: 'int' },
  text: (rows, { nowMs: now }) =>
    `insert into wanted_bytes (change, source, scope, name, entry, bytes, created_ms, due_ms, attempts, token, owner, error)
     select r.change, r.source, r.scope, r.name, r.entry, r.bytes, ${now}, 0, 0, 0, null, null from ${rows} where true
     on conflict (change) do nothing`,
};

const drop: SetStatement = {
  columns: { change: 'text' },
  text: (rows) => `delete from wanted_bytes where change in (select r.change from ${rows})`,
};

export async function takeUp(session: Session, source: string, entries: readonly VersionEntry[]): Promise<void> {
  const waiting = Map.groupBy(
    await session.all<[at: number, entry: string]>(
      waitingFor,
      entries.map(({ scope, name }, at) => [at, scope, name]),
    ),
    ([at]) => at,
  );
  const followed: SqlValue[][] = [];
  const rows = entries.map((entry, at): SqlValue[] => {
    const older = (waiting.get(at) ?? [])
      .map(([, text]) => decodeEntry(text))
      .filter((one) => compareVersions(entry, one) === 'after');
    for (const one of older) followed.push([changeOf(one)]);
    const also = [...(entry.also ?? []), ...older.flatMap((one) => [one.dot, ...(one.also ?? [])])];
    const { scope, name, content } = entry;
    const text = JSON.stringify(entryToJson(also.length === 0 ? entry : { ...entry, also }));
    return [changeOf(entry), source, scope, name, text, content.kind === 'object' ? content.size : 0];
  });
  await session.run(drop, followed);
  await session.run(takeUpRow, rows);
  await countReceipt(session, source);
}

/** A write that was asked for at two sites is two changes with one operation. */
function changeOf({ dot: { actor, counter } }: VersionEntry): string {
  return `${actor}:${counter}`;
}

function decodeEntry(text: string): VersionEntry {
  const entry = entryFromJson(JSON.parse(text));
  if (entry.kind !== 'version') throw new TypeError('bytes are fetched of versions only');
  return entry;
}

export async function claimFetches(
  session: Session,
  { owner, limit, leaseMs }: Parameters<JournalCatalog['claimFetches']>[0],
): Promise<readonly ClaimedFetch[]> {
  const now = nowMs(session);
  const { rows } = await sql<{ change: string; source: string; entry: string; attempts: number; token: number }>`
    update wanted_bytes set owner = ${owner}, due_ms = ${now} + ${leaseMs}, attempts = attempts + 1, token = token + 1
    where change in (
      select change from wanted_bytes where due_ms <= ${now} order by due_ms, created_ms limit ${limit} ${sql.raw(session.engine.skipLocked)})
    returning change, source, entry, attempts, token`.execute(session.db);
  return rows.map(({ change, token, source, entry, attempts }) => ({
    lease: { change, token },
    source,
    attempts,
    entry: decodeEntry(entry),
  }));
}

export async function renewFetch(session: Session, lease: FetchLease, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`
    update wanted_bytes set due_ms = ${nowMs(session)} + ${leaseMs}
    where change = ${lease.change} and token = ${lease.token} returning change`.execute(session.db);
  return rows.length > 0;
}

export async function finishFetch(
  session: Session,
  { change, token }: FetchLease,
  outcome: Parameters<JournalCatalog['finishFetch']>[1],
): Promise<boolean> {
  const { rows } =
    outcome === 'done'
      ? await sql`delete from wanted_bytes where change = ${change} and token = ${token} returning change`.execute(
          session.db,
        )
      : await sql`
          update wanted_bytes set owner = null, due_ms = ${nowMs(session)} + ${outcome.afterMs}, error = ${outcome.error}
          where change = ${change} and token = ${token} returning change`.execute(session.db);
  return rows.length > 0;
}

export async function listFetches({ db }: Session, limit: number): Promise<readonly WaitingFetch[]> {
  const rows = await db
    .selectFrom('wanted_bytes')
    .selectAll()
    .orderBy('created_ms')
    .orderBy('change')
    .limit(limit)
    .execute();
  return rows.map(({ source, entry, attempts, created_ms: sinceMs, error }) => ({
    source,
    attempts,
    sinceMs,
    entry: decodeEntry(entry),
    lastError: error ?? undefined,
  }));
}
