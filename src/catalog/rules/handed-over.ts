import { sql } from 'kysely';
import type { AbandonedTransfer, HandedOverCatalog } from '../../ports/handed-over.ts';
import type { Session, SetStatement } from '../session.ts';
import { UPLOADER } from '../uploads/upload-codes.ts';

/** Of an upload the same columns tell what the uploader knows. */
export const IS_HANDED_OVER = `(request.external_id is not null and request.tool <> '${UPLOADER}')`;

const keep: SetStatement = {
  columns: { id: 'int', token: 'int', tool: 'text', attempt: 'text' },
  text: (rows) =>
    `update request set tool = r.tool, external_id = r.attempt from ${rows}
     where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED' and request.reason <> 'upload'
     returning request.id`,
};

export async function handOver(
  session: Session,
  handed: Parameters<HandedOverCatalog['handOver']>[0],
): Promise<readonly boolean[]> {
  const kept = await session.all<[number]>(
    keep,
    handed.map(({ lease, tool, attempt }) => [lease.requestId, lease.token, tool, attempt]),
  );
  const ids = new Set(kept.map(([id]) => id));
  return handed.map(({ lease }) => ids.has(lease.requestId));
}

interface AbandonedRow {
  readonly id: number;
  readonly tool: string;
  readonly external_id: string;
  readonly scope: number;
  readonly name: string;
  readonly version: number;
  readonly store: number;
}

export async function listAbandoned(
  session: Session,
  tools: readonly string[],
  limit: number,
): Promise<readonly AbandonedTransfer[]> {
  if (tools.length === 0) return [];
  const { rows } = await sql<AbandonedRow>`
    select id, tool, external_id, scope, name, version, store from request
    where external_id is not null and tool in (${sql.join(tools)}) and state = 'CANCELLED'
    order by id limit ${limit}`.execute(session.db);
  const found: AbandonedTransfer[] = [];
  for (const { id, tool, external_id: attempt, scope, name, version, store } of rows) {
    found.push({
      requestId: id,
      tool,
      attempt,
      scope: await session.known.scopes.textOf(session, scope),
      name,
      versionId: version,
      store: await session.known.stores.textOf(session, store),
    });
  }
  return found;
}

const forget: SetStatement = {
  columns: { id: 'int', attempt: 'text' },
  text: (rows) =>
    `update request set tool = null, external_id = null from ${rows}
     where request.id = r.id and request.external_id = r.attempt and request.state = 'CANCELLED'`,
};

export async function forgetAbandoned(
  session: Session,
  over: Parameters<HandedOverCatalog['forgetAbandoned']>[0],
): Promise<void> {
  await session.run(
    forget,
    over.map(({ requestId, attempt }) => [requestId, attempt]),
  );
}
