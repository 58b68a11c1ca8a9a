import { sql } from 'kysely';
import type { JournalCatalog, SupersededCopy } from '../../ports/journal.ts';
import { stateCode } from '../codes.ts';
import { decodePlace } from '../place-code.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';

type Row = readonly [scope: number, name: string, version: number, place: string | null, token: string];

/**
 * Copies at a site's own store of versions that another one has followed for so long, and that nobody waits for any more: no peer, and
 * no version beside it; and none of those that lost a conflict that ended a short time ago.
 */
export async function listSuperseded(
  session: Session,
  { store, localMs, arrivedMs, limit }: Parameters<JournalCatalog['listSuperseded']>[0],
): Promise<readonly SupersededCopy[]> {
  const id = await session.known.stores.findId(session, store);
  if (id === undefined) return [];
  const built = sql`
    select o.scope, o.name, v.id, p.place, p.token
    from version v join object o on o.id = v.object join version c on c.id = o.current
      join replica p on p.object = v.object and p.version = v.id and p.store = ${id}
    where v.superseded = 1 and p.state = ${sql.lit(stateCode('AVAILABLE'))} and p.token is not null
      and c.time_ms < ${nowMs(session)} - case when c.origin is null then ${sql.lit(localMs)} else ${sql.lit(arrivedMs)} end
      and not exists (select 1 from sibling s where s.object = v.object and s.version = v.id)
      and not exists (select 1 from ended_conflict e where e.object = v.object and e.version = v.id
        and e.ended_ms >= ${nowMs(session)} - ${sql.lit(arrivedMs)})
      and not exists (select 1 from journal j where j.version = v.id)
      and not exists (select 1 from replica q where q.object = p.object and q.store = p.store and q.version <> p.version
        and q.place = p.place and q.token = p.token)
    limit ${limit}`;
  const rows = await session.arrays<Row>({ compile: () => built.compile(session.db) });
  const copies: SupersededCopy[] = [];
  for (const [scopeId, name, versionId, place, token] of rows) {
    const scope = await session.known.scopes.textOf(session, scopeId);
    copies.push({ scope, name, versionId, place: decodePlace({ scope, name }, place), token });
  }
  return copies;
}
