import { sql } from 'kysely';
import { mayBeGood } from '../../domain/replica/lost.ts';
import { REPLICA_STATES } from '../../domain/replica/replica.ts';
import type { CatalogStatus } from '../../ports/catalog-status.ts';
import { OBJECT, stateCode } from '../codes.ts';
import type { Session } from '../session.ts';

const NAMES_MAX = 5;

/** States in which a replica may be, or become, a good copy without another one (`mayBeGood`). */
const HOPEFUL = REPLICA_STATES.filter((state) => mayBeGood({ state, hasBytes: true }))
  .map(stateCode)
  .join(', ');

/** SQL expression, of the object called `o`: what has not been given up; or an upload, which can be resumed. */
export const HAS_HOPE = `exists (select 1 from replica p where p.object = o.id and p.version = o.current and (
    (p.state in (${HOPEFUL}) and (p.state <> ${stateCode('UNAVAILABLE')} or p.token is not null))
    or (p.state = ${stateCode('COPYING')} and not exists (
      select 1 from request q where q.version = p.version and q.store = p.store and q.kind = 'copy'))))
  or exists (select 1 from request q where q.version = o.current and q.kind = 'copy' and q.reason = 'upload')`;

/** Objects that are lost. */
export async function countLost(session: Session): Promise<CatalogStatus['lost']> {
  const lost = sql.raw(`from object o where o.kind = ${OBJECT} and not (${HAS_HOPE})`);
  const { rows: counted } = await sql<{ count: number }>`select count(*) as count ${lost}`.execute(session.db);
  const count = counted[0]?.count ?? 0;
  if (count === 0) return { count, some: [] };
  const { rows } = await sql<{ scope: number; name: string }>`
    select o.scope, o.name ${lost} order by o.scope, o.name limit ${NAMES_MAX}`.execute(session.db);
  const some = [];
  for (const { scope, name } of rows) some.push({ scope: await session.known.scopes.textOf(session, scope), name });
  return { count, some };
}
