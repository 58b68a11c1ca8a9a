import { sql } from 'kysely';
import { entryFromJson, entryToJson } from '../../domain/journal/entry-json.ts';
import type { VersionEntry } from '../../domain/journal/entry.ts';
import { compareVersions } from '../../domain/object/dot.ts';
import type { ClaimedFetch, FetchLease, JournalCatalog, WaitingFetch } from '../../ports/journal.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

const waitingFor: SetStatement = {
  columns: { i: 'int', scope: 'text', name: 'text' },
  text: (rows, { nowMs: now }) =>
    `select r.i, f.entry from ${rows} join wanted_bytes f on f.scope = r.scope and f.name = r.name
     where f.owner is null or f.due_ms < ${now}`,
};

const takeUpRow: SetStatement = {
  columns: { operation: 'text', source: 'text', scope: 'text', name: 'text', entry: 'text', bytes: 'int' },
  text: (rows, { nowMs: now }) =>
    `insert into wanted_bytes (operation, source, scope, name, entry, bytes, created_ms, due_ms, attempts, token, owner, error)
     select r.operation, r.source, r.scope, r.name, r.entry, r.bytes, ${now}, 0, 0, 0, null, null from ${rows} where true
     on conflict (operation) do nothing`,
};

const drop: SetStatement = {
  columns: { operation: 'text' },
  text: (rows) => `delete from wanted_bytes where operation in (select r.operation from ${rows})`,
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
    for (const { operation } of older) followed.push([operation]);
    const also = [...(entry.also ?? []), ...older.flatMap((one) => [one.dot, ...(one.also ?? [])])];
    const { operation, scope, name, content } = entry;
    const text = JSON.stringify(entryToJson(also.length === 0 ? entry : { ...entry, also }));
    return [operation, source, scope, name, text, content.kind === 'object' ? content.size : 0];
  });
  await session.run(drop, followed);
  await session.run(takeUpRow, rows);
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
  const { rows } = await sql<{ operation: string; source: string; entry: string; attempts: number; token: number }>`
    update wanted_bytes set owner = ${owner}, due_ms = ${now} + ${leaseMs}, attempts = attempts + 1, token = token + 1
    where operation in (
      select operation from wanted_bytes where due_ms <= ${now} order by due_ms, created_ms limit ${limit} ${sql.raw(session.engine.skipLocked)})
    returning operation, source, entry, attempts, token`.execute(session.db);
  return rows.map(({ operation, token, source, entry, attempts }) => ({
    lease: { operation, token },
    source,
    attempts,
    entry: decodeEntry(entry),
  }));
}

export async function renewFetch(session: Session, lease: FetchLease, leaseMs: number): Promise<boolean> {
  const { rows } = await sql`
    update wanted_bytes set due_ms = ${nowMs(session)} + ${leaseMs}
    where operation = ${lease.operation} and token = ${lease.token} returning operation`.execute(session.db);
  return rows.length > 0;
}

export async function finishFetch(
  session: Session,
  { operation, token }: FetchLease,
  outcome: Parameters<JournalCatalog['finishFetch']>[1],
): Promise<boolean> {
  const { rows } =
    outcome === 'done'
      ? await sql`delete from wanted_bytes where operation = ${operation} and token = ${token} returning operation`.execute(
          session.db,
        )
      : await sql`
          update wanted_bytes set owner = null, due_ms = ${nowMs(session)} + ${outcome.afterMs}, error = ${outcome.error}
          where operation = ${operation} and token = ${token} returning operation`.execute(session.db);
  return rows.length > 0;
}

export async function listFetches({ db }: Session, limit: number): Promise<readonly WaitingFetch[]> {
  const rows = await db
    .selectFrom('wanted_bytes')
    .selectAll()
    .orderBy('created_ms')
    .orderBy('operation')
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
