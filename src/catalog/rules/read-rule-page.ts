import type { ObjectName } from '../../domain/object/object-name.ts';
import { CatalogError } from '../../ports/catalog.ts';
import type { RuleCatalog, RuleObject, RulePage } from '../../ports/rules.ts';
import { lockName, stateName, TOMBSTONE, verificationName } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { isSoft, toldState } from '../softness.ts';
import { readContent, readContentPage } from './rule-content.ts';

/** Objects of one page at most. */
const PAGE_MAX = 10_000;

/** Of an object that says nothing of its format, as HTTP calls it. */
export const UNKNOWN_FORMAT = 'application/octet-stream';

export async function readRulePage(
  session: Session,
  rule: number,
  query: Parameters<RuleCatalog['readRulePage']>[1],
): Promise<RulePage> {
  const content = await readContent(session, rule, query.after === undefined);
  if (content === undefined) throw new CatalogError('failed', `there is no rule ${rule}`);
  const page = await readContentPage(session, content, { ...query, limit: Math.min(query.limit, PAGE_MAX) });
  return {
    dataset: page.dataset === undefined ? undefined : await nameOfCollection(session, page.dataset),
    objects: await describeObjects(session, rule, page.objects),
    next: page.next,
  };
}

async function nameOfCollection(session: Session, id: number): Promise<ObjectName> {
  const row = await session.db
    .selectFrom('collection')
    .select(['scope', 'name'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return { scope: await session.known.scopes.textOf(session, row.scope), name: row.name };
}

const describe: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `select o.id, o.scope, o.name, o.current, v.size, coalesce(t.format, v.content_type), coalesce(t.authority, s.source)
     from ${rows} join object o on o.id = r.object join scope s on s.id = o.scope join version v on v.id = o.current
       left join object_trait t on t.object = o.id
     where o.kind <> ${TOMBSTONE}`,
};

type ObjectRow = readonly [
  id: number,
  scope: number,
  name: string,
  version: number,
  bytes: number,
  format: string | null,
  authority: number,
];

const replicas: SetStatement = {
  columns: { object: 'int', version: 'int', boot: 'text' },
  text: (rows) =>
    `select p.object, p.store, ${toldState('p', 'r.boot')}, p.verification, ${isSoft('p', 'r.boot')}
     from ${rows} join replica p on p.object = r.object and p.version = r.version`,
};

const locks: SetStatement = {
  columns: { object: 'int', rule: 'int' },
  text: (rows) =>
    `select l.object, l.store, l.state from ${rows} join lock l on l.object = r.object and l.rule = r.rule`,
};

async function describeObjects(session: Session, rule: number, ids: readonly number[]): Promise<RuleObject[]> {
  const { scopes, stores, boot } = session.known;
  const objects = await session.all<ObjectRow>(
    describe,
    ids.map((id) => [id]),
  );
  const found = await session.all<[number, number, number, number, number]>(
    replicas,
    objects.map(([id, , , version]) => [id, version, boot]),
  );
  const held = await session.all<[object: number, store: number, state: number]>(
    locks,
    objects.map(([id]) => [id, rule]),
  );
  const replicasOf = Map.groupBy(found, ([object]) => object);
  const locksOf = Map.groupBy(held, ([object]) => object);
  const described: RuleObject[] = [];
  for (const [id, scope, name, versionId, bytes, format, authority] of objects) {
    const replicasHere: RuleObject['replicas'][number][] = [];
    for (const [, store, state, verification, soft] of replicasOf.get(id) ?? []) {
      replicasHere.push({
        store: await stores.textOf(session, store),
        state: stateName(state),
        verification: verificationName(verification),
        ...(soft === 1 ? { soft: true } : {}),
      });
    }
    const locksHere: RuleObject['locks'][number][] = [];
    for (const [, store, state] of locksOf.get(id) ?? []) {
      locksHere.push({ store: await stores.textOf(session, store), state: lockName(state) });
    }
    described.push({
      id,
      scope: await scopes.textOf(session, scope),
      name,
      versionId,
      bytes,
      format: format ?? UNKNOWN_FORMAT,
      authority: await stores.textOf(session, authority),
      replicas: replicasHere,
      locks: locksHere,
    });
  }
  return described;
}
