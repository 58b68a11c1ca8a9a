import type { Mark } from '../../ports/storage.ts';
import { decodeOperation } from '../content.ts';
import type { Session, SetStatement } from '../session.ts';

const find: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { hex }) =>
    `select v.id, ${hex('v.operation')}, ${hex('v.sha256')} from ${rows} join version v on v.id = r.id`,
};

/** What copies of these versions are marked with, in their order. */
export async function readMarks(
  session: Session,
  versionIds: readonly number[],
): Promise<readonly (Mark | undefined)[]> {
  const rows = await session.all<readonly [id: number, operation: string, sha256: string | null]>(
    find,
    versionIds.map((id) => [id]),
  );
  const marks = new Map(
    rows.map(([id, operation, sha256]) => [id, { operation: decodeOperation(operation), sha256: sha256 ?? undefined }]),
  );
  return versionIds.map((id) => marks.get(id));
}
