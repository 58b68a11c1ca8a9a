import type { Content } from '../../domain/object/version.ts';
import { type ContentRow, decodeContent } from '../content.ts';
import type { Session, SetStatement } from '../session.ts';

const find: SetStatement = {
  columns: { id: 'int' },
  text: (rows, { hex }) =>
    `select v.id, v.kind, v.size, ${hex('v.sha256')}, v.content_type, v.metadata, cast(v.modified_ns as text), v.mode,
       ${hex('v.md5')}
     from ${rows} join version v on v.id = r.id`,
};

/** What these versions are, in their order. */
export async function readContents(
  session: Session,
  versionIds: readonly number[],
): Promise<readonly (Content | undefined)[]> {
  const rows = await session.all<readonly [id: number, ...content: ContentRow]>(
    find,
    versionIds.map((id) => [id]),
  );
  const contents = new Map(rows.map(([id, ...content]) => [id, decodeContent(content)]));
  return versionIds.map((id) => contents.get(id));
}
