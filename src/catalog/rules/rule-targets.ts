import { hash } from 'node:crypto';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleTarget, RuleWords } from '../../domain/rule/rule.ts';
import { TARGET_COLLECTION, TARGET_OBJECT, TARGET_PATTERN, TOMBSTONE } from '../codes.ts';
import { lockCollectionTree } from '../collections/collection-locks.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';

/** What makes two rules the same order: who gave it, by what, about what, how often, where. */
export function sameness({ origin, account, targets, copies, expression }: RuleWords): string {
  const named = targets.map((target) => JSON.stringify([target.kind, target.scope, textOf(target)]));
  return hash('md5', JSON.stringify([origin, account, copies, expression, ...new Set(named.toSorted())]));
}

function textOf(target: RuleTarget): string {
  return target.kind === 'pattern' ? target.pattern : target.name;
}

/** Columns of `rule_target` but for the rule. */
export type TargetRow = readonly [kind: number, target: number, scope: number, pattern: string];

const findObject: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows) =>
    `select r.i, o.id from ${rows} join object o on o.scope = r.scope and o.name = r.name where o.kind <> ${TOMBSTONE}`,
};

const findCollection: SetStatement = {
  columns: { i: 'int', scope: 'int', name: 'text' },
  text: (rows) => `select r.i, c.id from ${rows} join collection c on c.scope = r.scope and c.name = r.name`,
};

/**
 * Comes before all else in a transaction that gives a rule targets: members of a collection that come or go meanwhile are either
 * seen when the rule is applied, or find the rule and make it due.
 */
export async function lockTargets(session: Session, targets: readonly RuleTarget[]): Promise<void> {
  if (targets.some(({ kind }) => kind === 'collection')) await lockCollectionTree(session, 'alone');
}

/** The targets as rows, or the names of those that are not there. */
export async function resolveTargets(
  session: Session,
  targets: readonly RuleTarget[],
): Promise<{ readonly rows: readonly TargetRow[] } | { readonly unknown: readonly ObjectName[] }> {
  const rows = new Map<string, TargetRow>();
  const unknown: ObjectName[] = [];
  for (const target of targets) {
    const scope = await session.known.scopes.findId(session, target.scope);
    const row = await resolve(session, target, scope);
    if (row !== undefined) rows.set(JSON.stringify(row), row);
    else unknown.push({ scope: target.scope, name: textOf(target) });
  }
  return unknown.length > 0 ? { unknown } : { rows: [...rows.values()] };
}

/** The targets as rows, without those that are not there. */
export async function targetsThatAre(session: Session, targets: readonly RuleTarget[]): Promise<readonly TargetRow[]> {
  const rows: TargetRow[] = [];
  for (const target of targets) {
    const row = await resolve(session, target, await session.known.scopes.findId(session, target.scope));
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

async function resolve(
  session: Session,
  target: RuleTarget,
  scope: number | undefined,
): Promise<TargetRow | undefined> {
  if (scope === undefined) return undefined;
  if (target.kind === 'pattern') return [TARGET_PATTERN, 0, scope, target.pattern];
  const isObject = target.kind === 'object';
  const [found] = await session.all<[number, number]>(isObject ? findObject : findCollection, [
    [0, scope, target.name],
  ]);
  return found === undefined ? undefined : [isObject ? TARGET_OBJECT : TARGET_COLLECTION, found[1], scope, ''];
}

const insert: SetStatement = {
  columns: { rule: 'int', kind: 'int', target: 'int', scope: 'int', pattern: 'text' },
  text: (rows) =>
    `insert into rule_target (rule, kind, target, scope, pattern) select r.rule, r.kind, r.target, r.scope, r.pattern
     from ${rows} where true`,
};

export async function putTargets(session: Session, rule: number, rows: readonly TargetRow[]): Promise<void> {
  await session.db.deleteFrom('rule_target').where('rule', '=', rule).execute();
  await session.run(
    insert,
    rows.map((row): SqlValue[] => [rule, ...row]),
  );
}

const read: SetStatement = {
  columns: { rule: 'int' },
  text: (rows) =>
    `select t.rule, t.kind, t.scope, t.pattern, o.name, c.name from ${rows} join rule_target t on t.rule = r.rule
       left join object o on o.id = t.target and t.kind = ${TARGET_OBJECT}
       left join collection c on c.id = t.target and t.kind = ${TARGET_COLLECTION}
     order by t.rule, t.kind, t.target, t.scope, t.pattern`,
};

type ReadRow = readonly [number, number, number, string, string | null, string | null];

/** By rule. */
export async function readTargets(
  session: Session,
  rules: readonly number[],
): Promise<ReadonlyMap<number, readonly RuleTarget[]>> {
  const targets = new Map<number, RuleTarget[]>();
  const rows = await session.all<ReadRow>(
    read,
    rules.map((rule) => [rule]),
  );
  for (const [rule, kind, scopeId, pattern, object, collection] of rows) {
    const scope = await session.known.scopes.textOf(session, scopeId);
    const of = targets.get(rule) ?? [];
    targets.set(rule, of);
    if (kind === TARGET_PATTERN) of.push({ kind: 'pattern', scope, pattern });
    else of.push({ kind: kind === TARGET_OBJECT ? 'object' : 'collection', scope, name: object ?? collection ?? '' });
  }
  return targets;
}
