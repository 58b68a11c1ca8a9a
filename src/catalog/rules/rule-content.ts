import { sql } from 'kysely';
import { compareKeys } from '../../domain/object/key.ts';
import { DATASET, TARGET_COLLECTION, TARGET_OBJECT, TARGET_PATTERN, TOMBSTONE } from '../codes.ts';
import type { Known } from '../known.ts';
import type { Session, SetStatement } from '../session.ts';
import type { TargetRow } from './rule-targets.ts';
import { matcherOf } from './rules-of.ts';

/** Names looked at for a page of a pattern, fitting or not: no page takes long. */
const NAMES_SCANNED = 8192;
/** Datasets looked at for a page, empty or not. */
const DATASETS_SCANNED = 256;
/** Rules whose datasets are kept in mind at once. */
const REMEMBERED_MAX = 32;

/** What a rule, or what somebody thinks of ordering, reaches: its datasets in order, and its patterns. */
export interface RuleContent {
  readonly token: number;
  readonly datasets: readonly number[];
  readonly isDataset: ReadonlySet<number>;
  readonly named: NamedObjects;
  readonly patterns: readonly { readonly scope: number; readonly fits: (name: string) => boolean }[];
}

/** Objects it names: none, those of a rule's targets, or these, in order. */
type NamedObjects =
  | { readonly kind: 'none' }
  | { readonly kind: 'of-rule'; readonly rule: number }
  | { readonly kind: 'these'; readonly objects: readonly number[]; readonly has: ReadonlySet<number> };

/** Where a page ended: in a dataset after an object, among the objects named, or in a pattern after a name. */
type Position =
  | readonly ['dataset', dataset: number, object: number]
  | readonly ['object', object: number]
  | readonly ['pattern', at: number, name: string];

export interface ContentPage {
  readonly dataset: number | undefined;
  readonly objects: readonly number[];
  readonly next: string | undefined;
}

const remembered = new WeakMap<Known, Map<number, RuleContent>>();

/**
 * The datasets a rule reaches are found once a turn: who changes them has it applied once more. `isFirst`: the turn begins.
 * Undefined: there is no such rule.
 */
export async function readContent(session: Session, rule: number, isFirst: boolean): Promise<RuleContent | undefined> {
  const contents = remembered.get(session.known) ?? new Map<number, RuleContent>();
  remembered.set(session.known, contents);
  const row = await session.db.selectFrom('rule').select('token').where('id', '=', rule).executeTakeFirst();
  const known = contents.get(rule);
  contents.delete(rule);
  if (row === undefined) return undefined;
  const content = known?.token === row.token && !isFirst ? known : await findContent(session, rule, row.token);
  contents.set(rule, content);
  const [oldest] = contents.keys();
  if (contents.size > REMEMBERED_MAX && oldest !== undefined) contents.delete(oldest);
  return content;
}

async function findContent(session: Session, rule: number, token: number): Promise<RuleContent> {
  const { rows } = await sql<{ id: number }>`
    with recursive down(id) as (
      select t.target from rule_target t where t.rule = ${rule} and t.kind = ${TARGET_COLLECTION}
      union select m.collection from container_collection m join down on m.container = down.id)
    select c.id from down join collection c on c.id = down.id and c.kind = ${DATASET} order by c.id`.execute(
    session.db,
  );
  const targets = await session.db
    .selectFrom('rule_target')
    .select(['kind', 'scope', 'pattern'])
    .where('rule', '=', rule)
    .where('kind', '=', TARGET_PATTERN)
    .orderBy('scope')
    .orderBy('pattern')
    .execute();
  const named = await session.db
    .selectFrom('rule_target')
    .select('target')
    .where('rule', '=', rule)
    .where('kind', '=', TARGET_OBJECT)
    .limit(1)
    .execute();
  const datasets = rows.map(({ id }) => id);
  return {
    token,
    datasets,
    isDataset: new Set(datasets),
    named: named.length > 0 ? { kind: 'of-rule', rule } : { kind: 'none' },
    patterns: targets.map(({ scope, pattern }) => ({ scope, fits: matcherOf(pattern) })),
  };
}

/** What targets reach that no rule has; as `readContent`, found anew with each first page. */
export async function readContentOf(
  session: Session,
  targets: readonly TargetRow[],
  isFirst: boolean,
): Promise<RuleContent> {
  const contents = thought.get(session.known) ?? new Map<string, RuleContent>();
  thought.set(session.known, contents);
  const key = JSON.stringify(targets);
  const content = (isFirst ? undefined : contents.get(key)) ?? (await findContentOf(session, targets));
  contents.delete(key);
  contents.set(key, content);
  const [oldest] = contents.keys();
  if (contents.size > REMEMBERED_MAX && oldest !== undefined) contents.delete(oldest);
  return content;
}

const thought = new WeakMap<Known, Map<string, RuleContent>>();

async function findContentOf(session: Session, targets: readonly TargetRow[]): Promise<RuleContent> {
  const idsOf = (kind: number) => targets.flatMap(([one, target]) => (one === kind ? [target] : []));
  const collections = idsOf(TARGET_COLLECTION);
  const datasets: number[] = [];
  if (collections.length > 0) {
    const { rows } = await sql<{ id: number }>`
      with recursive down(id) as (
        select c.id from collection c where c.id in (${sql.join(collections)})
        union select m.collection from container_collection m join down on m.container = down.id)
      select c.id from down join collection c on c.id = down.id and c.kind = ${DATASET} order by c.id`.execute(
      session.db,
    );
    datasets.push(...rows.map(({ id }) => id));
  }
  const objects = [...new Set(idsOf(TARGET_OBJECT))].toSorted((a, b) => a - b);
  const patterns = targets
    .filter(([kind]) => kind === TARGET_PATTERN)
    .toSorted((a, b) => a[2] - b[2] || compareKeys(a[3], b[3]));
  return {
    token: 0,
    datasets,
    isDataset: new Set(datasets),
    named: objects.length === 0 ? { kind: 'none' } : { kind: 'these', objects, has: new Set(objects) },
    patterns: patterns.map(([, , scope, pattern]) => ({ scope, fits: matcherOf(pattern) })),
  };
}

/** The next objects, each once, whatever the ways that lead to it. A page may be empty and not the last. */
export async function readContentPage(
  session: Session,
  content: RuleContent,
  query: { readonly after?: string | undefined; readonly limit: number },
): Promise<ContentPage> {
  const from = query.after === undefined ? (['dataset', 0, 0] as const) : (JSON.parse(query.after) as Position);
  const limit = Math.max(1, query.limit);
  const page =
    (from[0] === 'dataset' ? await readDatasets(session, content, from, limit) : undefined) ??
    (from[0] !== 'pattern'
      ? await readNamed(session, content, from[0] === 'object' ? from[1] : 0, limit)
      : undefined) ??
    (await readPatterns(session, content, from[0] === 'pattern' ? from : ['pattern', 0, ''], limit));
  return { dataset: page.dataset, objects: page.objects, next: page.next && JSON.stringify(page.next) };
}

interface FoundPage {
  readonly dataset: number | undefined;
  readonly objects: readonly number[];
  readonly next: Position | undefined;
}

/** Undefined: no dataset is left. */
async function readDatasets(
  session: Session,
  content: RuleContent,
  [, from, after]: readonly ['dataset', number, number],
  limit: number,
): Promise<FoundPage | undefined> {
  const first = lowerBound(content.datasets, from);
  const last = Math.min(content.datasets.length, first + DATASETS_SCANNED);
  for (let at = first; at < last; at++) {
    const dataset = content.datasets[at] as number;
    const query = sql`select object from dataset_object where dataset = ${dataset} and object > ${dataset === from ? after : 0}
      order by object limit ${limit}`;
    const rows = await session.arrays<readonly [number]>({ compile: () => query.compile(session.db) });
    const found = rows.map(([object]) => object);
    if (found.length === 0) continue;
    const objects = await withoutEarlier(session, content, found, dataset);
    const next = found.length < limit ? ([dataset + 1, 0] as const) : ([dataset, found.at(-1) ?? 0] as const);
    return { dataset, objects, next: ['dataset', ...next] };
  }
  const next = content.datasets[last];
  return next === undefined ? undefined : { dataset: undefined, objects: [], next: ['dataset', next, 0] };
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const datasetsBefore: SetStatement = {
  columns: { object: 'int', dataset: 'int' },
  text: (rows) =>
    `select d.object, d.dataset from ${rows} join dataset_object d on d.object = r.object and d.dataset < r.dataset`,
};

/** Without objects that a dataset of the rule with a smaller number holds too. */
async function withoutEarlier(
  session: Session,
  { datasets, isDataset }: RuleContent,
  objects: readonly number[],
  dataset: number,
): Promise<readonly number[]> {
  if (datasets.length === 0 || dataset === datasets[0]) return objects;
  const rows = await session.all<[object: number, dataset: number]>(
    datasetsBefore,
    objects.map((object) => [object, dataset]),
  );
  const reached = new Set(rows.filter(([, other]) => isDataset.has(other)).map(([object]) => object));
  return objects.filter((object) => !reached.has(object));
}

/** Undefined: no object is left that the rule names. */
async function readNamed(
  session: Session,
  content: RuleContent,
  after: number,
  limit: number,
): Promise<FoundPage | undefined> {
  const found = await namedAfter(session, content.named, after, limit);
  if (found.length === 0) return undefined;
  const objects = await withoutEarlier(session, content, found, Number.MAX_SAFE_INTEGER);
  const next: Position = found.length < limit ? ['pattern', 0, ''] : ['object', found.at(-1) ?? 0];
  return { dataset: undefined, objects, next: isOver(content, next) ? undefined : next };
}

async function namedAfter(
  session: Session,
  named: NamedObjects,
  after: number,
  limit: number,
): Promise<readonly number[]> {
  if (named.kind === 'none') return [];
  if (named.kind === 'these') {
    const first = lowerBound(named.objects, after + 1);
    return named.objects.slice(first, first + limit);
  }
  const rows = await session.db
    .selectFrom('rule_target')
    .select('target')
    .where('rule', '=', named.rule)
    .where('kind', '=', TARGET_OBJECT)
    .where('target', '>', after)
    .orderBy('target')
    .limit(limit)
    .execute();
  return rows.map(({ target }) => target);
}

function isOver({ patterns }: RuleContent, position: Position): boolean {
  return position[0] === 'pattern' && position[1] >= patterns.length;
}

const namedByRule: SetStatement = {
  columns: { rule: 'int', object: 'int' },
  text: (rows) =>
    `select r.object from ${rows} join rule_target t on t.rule = r.rule and t.kind = ${TARGET_OBJECT} and t.target = r.object`,
};

async function readPatterns(
  session: Session,
  content: RuleContent,
  [, at, after]: readonly ['pattern', number, string],
  limit: number,
): Promise<FoundPage> {
  const pattern = content.patterns[at];
  if (pattern === undefined) return { dataset: undefined, objects: [], next: undefined };
  const query = sql`select id, name, kind from object where scope = ${pattern.scope} and name > ${after}
    order by name limit ${NAMES_SCANNED}`;
  const rows = await session.arrays<readonly [id: number, name: string, kind: number]>({
    compile: () => query.compile(session.db),
  });
  const earlier = content.patterns.slice(0, at).filter(({ scope }) => scope === pattern.scope);
  const found: number[] = [];
  let last = after;
  let isDone = rows.length < NAMES_SCANNED;
  for (const [id, name, kind] of rows) {
    if (found.length === limit) {
      isDone = false;
      break;
    }
    last = name;
    if (kind !== TOMBSTONE && pattern.fits(name) && !earlier.some(({ fits }) => fits(name))) found.push(id);
  }
  const objects = await withoutNamed(session, content, found);
  const next: Position = isDone ? ['pattern', at + 1, ''] : ['pattern', at, last];
  return { dataset: undefined, objects, next: isOver(content, next) ? undefined : next };
}

async function withoutNamed(
  session: Session,
  content: RuleContent,
  found: readonly number[],
): Promise<readonly number[]> {
  const objects = await withoutEarlier(session, content, found, Number.MAX_SAFE_INTEGER);
  const { named: ours } = content;
  if (ours.kind === 'none') return objects;
  if (ours.kind === 'these') return objects.filter((object) => !ours.has.has(object));
  const rows = await session.all<[number]>(
    namedByRule,
    objects.map((object) => [ours.rule, object]),
  );
  const named = new Set(rows.map(([object]) => object));
  return objects.filter((object) => !named.has(object));
}

const namesOf: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `select o.id, o.scope, o.name from ${rows} join object o on o.id = r.object`,
};

/** Of these objects, those that the rule's content does not hold. */
export async function findDetached(
  session: Session,
  content: RuleContent,
  objects: readonly number[],
): Promise<readonly number[]> {
  const detached = await withoutNamed(session, content, objects);
  if (content.patterns.length === 0 || detached.length === 0) return detached;
  const rows = await session.all<[id: number, scope: number, name: string]>(
    namesOf,
    detached.map((object) => [object]),
  );
  const fitting = rows.filter(([, scope, name]) =>
    content.patterns.some((pattern) => pattern.scope === scope && pattern.fits(name)),
  );
  const held = new Set(fitting.map(([id]) => id));
  return detached.filter((object) => !held.has(object));
}
