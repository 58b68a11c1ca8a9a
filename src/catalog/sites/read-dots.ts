import { sql } from 'kysely';
import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import type { DotsPage, JournalCatalog } from '../../ports/journal.ts';
import { PURGE_SCOPE } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';
import { queueAgain } from './append-entries.ts';

/** Scopes that are told to peers, by name. */
export async function listReplicatedScopes({ db }: Session): Promise<readonly string[]> {
  const rows = await db.selectFrom('scope').where('source', '=', NO_SOURCE).select('name').orderBy('name').execute();
  return rows.map(({ name }) => name).filter(isReplicated);
}

type Row = readonly [name: string, object: number, siblings: number, actor: number, counter: number];

const findSiblings: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select s.object, v.actor, v.counter from ${rows} join sibling s on s.object = r.object join version v on v.id = s.version`,
};

/** A page of a scope in byte order: each object with the dots of its current version and siblings, tombstones too. */
export async function readDots(
  session: Session,
  { scope, after, limit }: Parameters<JournalCatalog['readDots']>[0],
): Promise<DotsPage> {
  const id = await session.known.scopes.findId(session, scope);
  if (id === undefined) return { names: [], dots: [], next: undefined };
  const built = sql`
    select o.name, o.id, o.siblings, v.actor, v.counter from object o join version v on v.id = o.current
    where o.scope = ${id} and not exists (select 1 from purge p where p.actor = v.actor and p.counter = v.counter)
      ${after === undefined ? sql`` : sql`and o.name > ${after}`}
    order by o.name limit ${limit}`;
  const rows = await session.arrays<Row>({ compile: () => built.compile(session.db) });
  const withSiblings = rows.filter(([, , siblings]) => siblings > 0).map(([, object]) => [object]);
  const siblings = Map.groupBy(
    await session.all<readonly [object: number, actor: number, counter: number]>(findSiblings, withSiblings),
    ([object]) => object,
  );
  const names: string[] = [];
  const dots: string[] = [];
  for (const [name, object, , actor, counter] of rows) {
    names.push(name);
    const all = [`${await session.known.actors.textOf(session, actor)}:${counter}`];
    for (const [, other, count] of siblings.get(object) ?? [])
      all.push(`${await session.known.actors.textOf(session, other)}:${count}`);
    dots.push(all.sort().join(' '));
  }
  return { names, dots, next: rows.length < limit ? undefined : names.at(-1) };
}

/** Queues purges of scopes for a peer once more; returns how many that are. */
export async function queuePurges(
  session: Session,
  peer: string,
  scopes: readonly string[] | undefined,
): Promise<number> {
  const rows = await session.db
    .selectFrom('purge')
    .innerJoin('scope', 'scope.id', 'purge.scope')
    .$if(scopes !== undefined, (query) => query.where('scope.name', 'in', scopes ?? []))
    .select(['purge.actor', 'purge.counter', 'purge.scope', 'purge.operation'])
    .orderBy('purge.time_ms')
    .execute();
  const entries = rows.map((row) => ({ ...row, kind: PURGE_SCOPE, object: 0, version: 0 }));
  return queueAgain(session, peer, entries, false);
}

/** What waits for the peer already is not queued twice. */
const findVersions: SetStatement = {
  columns: { peer: 'text', scope: 'int', name: 'text' },
  text: (rows, { hex }) =>
    `select o.id, v.id, v.kind, v.actor, v.counter, ${hex('v.operation')}
     from ${rows} join object o on o.scope = r.scope and o.name = r.name
       join version v on v.id in (select o.current union all select s.version from sibling s where s.object = o.id)
     where not exists (select 1 from journal j join outbox x on x.slot = j.slot and x.position = j.position
       join peer p on p.id = x.peer where j.version = v.id and p.name = r.peer)`,
};

type VersionRow = readonly [
  object: number,
  version: number,
  kind: number,
  actor: number,
  counter: number,
  operation: string,
];

/** Queues the current versions and siblings of objects for a peer once more; returns how many that are. */
export async function queueObjects(
  session: Session,
  {
    peer,
    scope,
    names,
    probable,
  }: { readonly peer: string; readonly scope: string; readonly names: readonly string[]; readonly probable: boolean },
): Promise<number> {
  const id = await session.known.scopes.findId(session, scope);
  if (id === undefined) return 0;
  const rows = await session.all<VersionRow>(
    findVersions,
    names.map((name) => [peer, id, name]),
  );
  const entries = rows.map(([object, version, kind, actor, counter, operation]) => {
    const bytes = Buffer.from(operation, 'hex');
    return { kind, actor, counter, scope: id, object, version, operation: bytes };
  });
  return queueAgain(session, peer, entries, probable);
}
