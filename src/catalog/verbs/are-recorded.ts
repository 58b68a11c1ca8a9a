import { sql } from 'kysely';
import type { ReplicaState } from '../../domain/replica/replica.ts';
import type { RecordedQuery } from '../../ports/catalog-scan.ts';
import { stateCode, TOMBSTONE } from '../codes.ts';
import type { Session } from '../session.ts';
import { recordedState } from '../softness.ts';
import { STORES_MAX } from './scan-scope.ts';

const SERVED: readonly ReplicaState[] = ['AVAILABLE', 'UNVERIFIED'];

/**
 * The page's rows never leave the database: it joins them to a few texts, which are compared as a whole. That is a third of what rows
 * would cost, and nothing at all for the thread that asks.
 */
export async function areRecorded(session: Session, query: RecordedQuery): Promise<boolean> {
  const { joinedByNul } = session.engine;
  const { names, tokens, stores, prefix, after } = query;
  if (joinedByNul === undefined || stores.length > STORES_MAX) return false;
  const { scopes, stores: knownStores, boot } = session.known;
  const scope = (await scopes.findId(session, query.scope)) ?? -1;
  const last = names.slice(names.lastIndexOf('\0') + 1);
  const joins = [];
  const columns = [];
  let isServed = sql`o.kind <> ${TOMBSTONE}`;
  for (const [index, store] of stores.entries()) {
    const id = (await knownStores.findId(session, store)) ?? -1;
    const p = `p${index}`;
    joins.push(
      sql`left join replica as ${sql.raw(p)} on ${sql.raw(p)}.object = o.id and ${sql.raw(p)}.store = ${id}
        and ${sql.raw(p)}.place is null`,
    );
    columns.push(sql.raw(`, ${joinedByNul(`${p}.token`)}`));
    isServed = sql`${isServed} and ${sql.raw(
      `${p}.token is not null and ${p}.version = o.current and ${recordedState(p, 'o.boot')} in (${SERVED.map(stateCode).join(', ')})`,
    )}`;
  }
  // Of a page that has more rows than were listed no more is read than tells so.
  const limit = countNames(names) + 1;
  const built = sql`
    select ${sql.raw(joinedByNul('o.name'))}, min(case when ${isServed} then 1 else 0 end) ${sql.join(columns, sql``)}
    from (
      select object.name, object.id, object.current, object.kind, ${boot} as boot from object
      where object.scope = ${scope} and object.name <= ${last}
        ${prefix === '' ? sql`` : sql`and object.name >= ${prefix}`}
        ${after === undefined ? sql`` : sql`and object.name > ${after}`}
      order by object.name limit ${limit}
    ) as o ${sql.join(joins, sql` `)}`;
  const [row] = await session.arrays<readonly unknown[]>({ compile: () => built.compile(session.db) });
  if (row === undefined) return false;
  const [found, areServed, ...recorded] = row;
  return found === names && areServed === 1 && recorded.every((text, index) => text === tokens[index]);
}

function countNames(names: string): number {
  let count = 1;
  for (let at = names.indexOf('\0'); at >= 0; at = names.indexOf('\0', at + 1)) count++;
  return count;
}
