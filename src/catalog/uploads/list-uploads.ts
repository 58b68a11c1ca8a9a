import { sql } from 'kysely';
import type { RequestState } from '../../domain/transfer/request-states.ts';
import type { UploadCatalog, UploadRecord } from '../../ports/uploads.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { decodeNote, UPLOADER } from './upload-codes.ts';

interface Row {
  readonly id: number;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly place: string;
  readonly state: string;
  readonly note: string;
  readonly owner: string | null;
  readonly bytes: number | null;
  readonly last_error: string | null;
}

/** Rows looked at for one page, of whatever account. */
const PAGE_MAX = 10_000;

export async function listUploads(
  session: Session,
  { account, after = 0, limit }: Parameters<UploadCatalog['listUploads']>[0],
): Promise<readonly UploadRecord[]> {
  const found: UploadRecord[] = [];
  for (let from = after; found.length < limit; ) {
    const { rows } = await sql<Row>`
      select q.id, c.name as scope, q.name, q.version, s.place, q.state, q.external_id as note, q.bytes, q.last_error,
        case when q.state = 'SUBMITTED' and q.due_ms > ${nowMs(session)} then q.owner else null end as owner
      from request q join scope c on c.id = q.scope join store s on s.id = q.store
      where q.tool = ${UPLOADER} and q.reason = 'upload' and q.state <> 'CANCELLED' and q.id > ${from}
      order by q.id limit ${PAGE_MAX}`.execute(session.db);
    for (const row of rows) {
      const upload = toRecord(row);
      if ((account === undefined || upload.account === account) && found.length < limit) found.push(upload);
    }
    const last = rows.at(-1);
    if (rows.length < PAGE_MAX || last === undefined) break;
    from = last.id;
  }
  return found;
}

function toRecord(row: Row): UploadRecord {
  const { account, origin, dataset } = decodeNote(row.note);
  return {
    request: row.id,
    scope: row.scope,
    name: row.name,
    versionId: row.version,
    store: row.place,
    state: row.state as RequestState,
    account,
    origin,
    dataset,
    owner: row.owner ?? undefined,
    bytes: row.bytes ?? 0,
    lastError: row.last_error ?? undefined,
  };
}
