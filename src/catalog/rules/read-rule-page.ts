import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleTarget } from '../../domain/rule/rule.ts';
import { CatalogError } from '../../ports/catalog.ts';
import type { RuleCatalog, RuleObject, RulePage } from '../../ports/rules.ts';
import { lockName, stateName, TOMBSTONE, verificationName } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';
import { isSoft, toldState } from '../softness.ts';
import { NO_SOURCE } from '../verbs/open-scope.ts';
import { readContent, readContentOf, readContentPage, type RuleContent } from './rule-content.ts';
import { targetsThatAre } from './rule-targets.ts';

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
  return describePage(session, { rule, content, query });
}

/** No rule has this number. */
const NO_RULE = 0;

/** As `readRulePage`, of what no rule is about yet. Targets that are not there hold nothing. */
export async function readTargetPage(
  session: Session,
  targets: readonly RuleTarget[],
  query: Parameters<RuleCatalog['readTargetPage']>[1],
): Promise<RulePage> {
  const rows = await targetsThatAre(session, targets);
  const content = await readContentOf(session, rows, query.after === undefined);
  return describePage(session, { rule: NO_RULE, content, query });
}

/** Objects with a replica at the store, in the order of their numbers. */
export async function readHeldPage(
  session: Session,
  store: string,
  { after, limit }: Parameters<RuleCatalog['readHeldPage']>[1],
): Promise<RulePage> {
  const id = (await session.known.stores.findId(session, store)) ?? -1;
  const wanted = Math.min(limit, PAGE_MAX);
  const query = sql`select distinct object from replica where store = ${id} and object > ${Number(after ?? 0)}
    order by object limit ${wanted}`;
  const rows = await session.arrays<readonly [number]>({ compile: () => query.compile(session.db) });
  const objects = rows.map(([object]) => object);
  return {
    dataset: undefined,
    objects: await describeObjects(session, NO_RULE, objects),
    next: objects.length < wanted ? undefined : String(objects.at(-1)),
  };
}

async function describePage(
  session: Session,
  read: {
    readonly rule: number;
    readonly content: RuleContent;
    readonly query: { readonly after?: string; readonly limit: number };
  },
): Promise<RulePage> {
  const { rule, content, query } = read;
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
    `select o.id, o.scope, o.name, o.current, v.size, coalesce(t.format, v.content_type),
       nullif(coalesce(t.authority, s.source), ${NO_SOURCE})
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
  /** Null: its upload has not arrived. */
  authority: number | null,
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
      authority: authority === null ? undefined : await stores.textOf(session, authority),
      replicas: replicasHere,
      locks: locksHere,
    });
  }
  return described;
}
