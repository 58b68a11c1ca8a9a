import type { OperationRecord } from '../../ports/catalog.ts';
import type { Session, SetStatement } from '../session.ts';

/** What is known by now of the operations; a later outcome takes the place of an earlier one. */
export async function keepOperations(session: Session, operations: readonly OperationRecord[]): Promise<void> {
  // One statement changes a row once.
  const last = new Map(operations.map((operation) => [operation.id, operation]));
  const rows = [...last.values()].map(({ id, fingerprint, outcome, createdMs }) => [
    id,
    fingerprint,
    outcome,
    createdMs,
  ]);
  await session.run(keep, rows);
}

const keep: SetStatement = {
  columns: { id: 'text', fingerprint: 'text', outcome: 'text', created_ms: 'int' },
  text: (rows) =>
    `insert into operation (id, fingerprint, outcome, created_ms)
     select r.id, r.fingerprint, r.outcome, r.created_ms from ${rows} where true
     on conflict (id) do update set outcome = excluded.outcome`,
};

export async function readOperation(session: Session, id: string): Promise<OperationRecord | undefined> {
  const row = await session.db.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, fingerprint: row.fingerprint, outcome: row.outcome, createdMs: row.created_ms };
}
