import type { UploadRecord } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';

export async function saveUpload(session: Session, upload: UploadRecord): Promise<void> {
  const { id, store, key, state, updatedMs } = upload;
  await session.db
    .insertInto('upload')
    .values({ id, store, key, state, updated_ms: updatedMs })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ store, key, state, updated_ms: updatedMs }))
    .execute();
}

export async function readUpload(session: Session, id: string): Promise<UploadRecord | undefined> {
  const row = await session.db.selectFrom('upload').selectAll().where('id', '=', id).executeTakeFirst();
  if (row === undefined) return undefined;
  return { id: row.id, store: row.store, key: row.key, state: row.state, updatedMs: row.updated_ms };
}

export async function removeUpload(session: Session, id: string): Promise<void> {
  await session.db.deleteFrom('upload').where('id', '=', id).execute();
}
