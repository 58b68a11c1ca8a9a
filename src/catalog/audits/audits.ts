import type { Selectable } from 'kysely';
import type {
  AuditBegun,
  AuditCatalog,
  AuditFinding,
  AuditLease,
  AuditRecord,
  AuditStep,
  AuditTally,
  FindingKind,
} from '../../ports/audits.ts';
import { recordBatches } from '../record/record-batches.ts';
import type { Schema } from '../schema.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { nowMs } from '../now.ts';
import { sql } from 'kysely';

/** What was found longer ago says too little of the store as it is. */
const RESUMED_WITHIN_MS = 7 * 24 * 3600 * 1000;

/** Findings of one page at most. */
const PAGE_MAX = 10_000;

export async function beginAudit(
  session: Session,
  { store, withChecksums, anew }: Parameters<AuditCatalog['beginAudit']>[0],
): Promise<AuditBegun> {
  const { db } = session;
  const id = await session.known.stores.requireId(session, store);
  const now = nowMs(session);
  const before = await db
    .selectFrom('audit')
    .selectAll()
    .select(sql<number>`case when updated_ms > ${now} - ${RESUMED_WITHIN_MS} then 1 else 0 end`.as('fresh'))
    .where('store', '=', id)
    .executeTakeFirst();
  const goesOn =
    !anew && before?.state === 'running' && before.fresh === 1 && before.checksums === Number(withChecksums);
  if (goesOn) {
    const token = before.token + 1;
    await db.updateTable('audit').set({ token, updated_ms: now }).where('store', '=', id).execute();
    const { position, listed, counts } = before;
    return {
      lease: { store, token },
      resumes: {
        position: position ?? undefined,
        isListed: listed === 1,
        counts: JSON.parse(counts) as AuditTally,
      },
    };
  }
  await db.deleteFrom('audit_finding').where('store', '=', id).execute();
  const begun = { state: 'running', checksums: Number(withChecksums), position: null, listed: 0, counts: '{}' };
  const times = { started_ms: now, updated_ms: now };
  const { token } = await db
    .insertInto('audit')
    .values({ store: id, token: 1, ...begun, ...times })
    .onConflict((conflict) =>
      conflict.column('store').doUpdateSet({ token: sql<number>`audit.token + 1`, ...begun, ...times }),
    )
    .returning('token')
    .executeTakeFirstOrThrow();
  return { lease: { store, token }, resumes: undefined };
}

const insertFindings: SetStatement = {
  columns: {
    store: 'int',
    key: 'text',
    kind: 'text',
    object: 'text',
    claim: 'text',
    recorded_token: 'text',
    token: 'text',
    bytes: 'int',
    detail: 'text',
  },
  text: (rows) =>
    `insert into audit_finding (store, key, kind, object, claim, recorded_token, token, bytes, detail)
     select r.store, r.key, r.kind, r.object, r.claim, r.recorded_token, r.token, r.bytes, r.detail from ${rows} where true
     on conflict (store, key, kind) do update set object = excluded.object, claim = excluded.claim,
       recorded_token = excluded.recorded_token, token = excluded.token, bytes = excluded.bytes, detail = excluded.detail`,
};

const removeFindings: SetStatement = {
  columns: { store: 'int', key: 'text', kind: 'text' },
  text: (rows) => `delete from audit_finding where (store, key, kind) in (select r.store, r.key, r.kind from ${rows})`,
};

export async function saveAudit(session: Session, { store, token }: AuditLease, step: AuditStep): Promise<boolean> {
  const { counts, position, isListed, state, found = [], settled = [], replicas = [], events = [] } = step;
  const { db } = session;
  const id = await session.known.stores.requireId(session, store);
  const { numUpdatedRows } = await db
    .updateTable('audit')
    .set({
      counts: JSON.stringify(counts),
      updated_ms: nowMs(session),
      ...(position === undefined ? {} : { position }),
      ...(isListed === true ? { listed: 1 } : {}),
      ...(state === undefined ? {} : { state }),
    })
    .where('store', '=', id)
    .where('token', '=', token)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return false;
  if (replicas.length > 0 || events.length > 0) await recordBatches(session, [{ replicas, events }]);
  await session.run(
    insertFindings,
    found.map((one): SqlValue[] => [
      id,
      one.key,
      one.kind,
      one.object === undefined ? null : JSON.stringify([one.object.scope, one.object.name, one.object.versionId]),
      one.claim ?? null,
      one.recordedToken ?? null,
      one.token ?? null,
      one.bytes,
      one.detail,
    ]),
  );
  await session.run(
    removeFindings,
    settled.map(({ key, kind }) => [id, key, kind]),
  );
  return true;
}

/** In the byte order of keys, then of kinds. */
export async function listFindings(
  session: Session,
  store: string,
  { after, limit }: Parameters<AuditCatalog['listFindings']>[1],
): Promise<readonly AuditFinding[]> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return [];
  const rows = await session.db
    .selectFrom('audit_finding')
    .selectAll()
    .where('store', '=', id)
    .$if(after !== undefined, (query) => query.where(sql<boolean>`(key, kind) > (${after?.key}, ${after?.kind})`))
    .orderBy('key')
    .orderBy('kind')
    .limit(Math.min(limit, PAGE_MAX))
    .execute();
  return rows.map(decodeFinding);
}

function decodeFinding(row: Selectable<Schema['audit_finding']>): AuditFinding {
  const object = row.object === null ? undefined : (JSON.parse(row.object) as [string, string, number]);
  return {
    key: row.key,
    kind: row.kind as FindingKind,
    object: object === undefined ? undefined : { scope: object[0], name: object[1], versionId: object[2] },
    claim: row.claim ?? undefined,
    recordedToken: row.recorded_token ?? undefined,
    token: row.token ?? undefined,
    bytes: row.bytes,
    detail: row.detail,
  };
}

export async function listAudits(session: Session): Promise<readonly AuditRecord[]> {
  const rows = await session.db
    .selectFrom('audit')
    .innerJoin('store', 'store.id', 'audit.store')
    .selectAll('audit')
    .select('store.place')
    .orderBy('store.place')
    .execute();
  return rows.map((row) => ({
    store: row.place,
    state: row.state === 'ended' ? 'ended' : 'interrupted',
    withChecksums: row.checksums === 1,
    counts: JSON.parse(row.counts) as AuditTally,
    startedMs: row.started_ms,
    updatedMs: row.updated_ms,
  }));
}
