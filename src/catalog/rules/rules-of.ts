import { sql } from 'kysely';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { parsePattern } from '../../domain/transfer/pattern.ts';
import { TARGET_COLLECTION, TARGET_OBJECT, TARGET_PATTERN } from '../codes.ts';
import type { Session, SetStatement } from '../session.ts';

/** Numbers of the rules whose content holds this object or collection, by whatever way. */
export async function findRulesOf(session: Session, { scope, name }: ObjectName): Promise<readonly number[]> {
  const scopeId = await session.known.scopes.findId(session, scope);
  if (scopeId === undefined) return [];
  const { db } = session;
  const object = await db
    .selectFrom('object')
    .select('id')
    .where('scope', '=', scopeId)
    .where('name', '=', name)
    .executeTakeFirst();
  if (object !== undefined) {
    const direct = await rulesOfObjects(session, [object.id]);
    return [...new Set([...direct, ...(await rulesOfPatterns(session, [[scopeId, name]]))])];
  }
  const collection = await db
    .selectFrom('collection')
    .select('id')
    .where('scope', '=', scopeId)
    .where('name', '=', name)
    .executeTakeFirst();
  return collection === undefined ? [] : rulesOfCollection(session, collection.id);
}

/** A collection and all that hold it, by whatever number of steps. */
const ANCESTORS = `union select m.container from container_collection m join up on m.collection = up.id`;

const ofObjects: SetStatement = {
  columns: { object: 'int' },
  text: (rows) =>
    `with recursive up(id) as (
       select d.dataset from ${rows} join dataset_object d on d.object = r.object ${ANCESTORS})
     select t.rule from up join rule_target t on t.kind = ${TARGET_COLLECTION} and t.target = up.id`,
};

const ofObjectsDirectly: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `select t.rule from ${rows} join rule_target t on t.kind = ${TARGET_OBJECT} and t.target = r.object`,
};

/** Rules that name the objects, or a collection that holds them. */
export async function rulesOfObjects(session: Session, objects: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = objects.map((object) => [object]);
  const found = [
    ...(await session.all<[number]>(ofObjectsDirectly, rows)),
    ...(await session.all<[number]>(ofObjects, rows)),
  ];
  return new Set(found.map(([rule]) => rule));
}

async function rulesOfCollection(session: Session, collection: number): Promise<readonly number[]> {
  const { rows } = await sql<{ rule: number }>`
    with recursive up(id) as (select cast(${collection} as ${sql.raw(session.engine.ddl.int)}) ${sql.raw(ANCESTORS)})
    select distinct t.rule from up join rule_target t on t.kind = ${TARGET_COLLECTION} and t.target = up.id`.execute(
    session.db,
  );
  return rows.map(({ rule }) => rule);
}

/** Rules with a pattern that one of these names fits. */
export async function rulesOfPatterns(
  session: Session,
  names: readonly (readonly [scope: number, name: string])[],
): Promise<readonly number[]> {
  const found = new Set<number>();
  for (const [scope, ofScope] of Map.groupBy(names, ([id]) => id)) {
    const patterns = await session.db
      .selectFrom('rule_target')
      .select(['rule', 'pattern'])
      .where('kind', '=', TARGET_PATTERN)
      .where('target', '=', 0)
      .where('scope', '=', scope)
      .execute();
    for (const { rule, pattern } of patterns) {
      const fits = found.has(rule) ? undefined : matcherOf(pattern);
      if (fits !== undefined && ofScope.some(([, name]) => fits(name))) found.add(rule);
    }
  }
  return [...found];
}

/** What is no pattern fits nothing; whoever ordered the rule was told. */
export function matcherOf(pattern: string): (name: string) => boolean {
  const parsed = parsePattern(pattern);
  return 'value' in parsed ? parsed.value : () => false;
}
