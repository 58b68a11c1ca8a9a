import type { OperationRecord } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';

/** What is known by now of the operation; a later outcome takes the place of an earlier one. */
export async function keepOperation(session: Session, operation: OperationRecord): Promise<void> {
  const { id, fingerprint, outcome, createdMs } = operation;
  await session.db
    .insertInto('operation')
    .values({ id, fingerprint, outcome, created_ms: createdMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ outcome }))
    .execute();
}

export async function readOperation(session: Session, id: string): Promise<OperationRecord | undefined> {
  const row = await session.db.selectFrom('operation').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, fingerprint: row.fingerprint, outcome: row.outcome, createdMs: row.created_ms };
}
