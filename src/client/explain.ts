import type { Pando } from '../compose.ts';
import type { ObjectExplanation, RuleExplanation } from '../engine/explain/explanation.ts';
import type { ResolvedObject } from '../engine/explain/resolve-object.ts';
import { CatalogObjects } from './catalog-objects.ts';
import { type DefaultScope, parseName } from './object-names.ts';
import { RuleError } from './rule-error.ts';

export type Explanation =
  | ({ readonly kind: 'object' } & ObjectExplanation)
  | ({ readonly kind: 'rule' } & RuleExplanation);

/**
 * Why an object (`scope:name`) or a rule (its number) is as it is (docs/rules.md, "Explain"). Fails with a `RuleError` or a
 * `CollectionError` where there is none.
 */
export async function explain(pando: Pando, what: string, scope: DefaultScope): Promise<Explanation> {
  const desk = await pando.ruleDesk();
  if (/^\d{1,9}$/.test(what)) {
    const rule = await desk.explainRule(Number(what));
    if (rule !== undefined) return { kind: 'rule', ...rule };
    throw new RuleError('not-found', `there is no rule ${what}`, 'pando rule ls shows what there is');
  }
  const object = await desk.explainObject(parseName(what, scope));
  if (object === undefined) throw await notFound(pando, what, scope);
  return { kind: 'object', ...object };
}

/** Where an object can be had; fails as `explain` does. */
export async function resolve(pando: Pando, what: string, scope: DefaultScope): Promise<ResolvedObject> {
  const resolved = await (await pando.ruleDesk()).resolve(parseName(what, scope));
  if (resolved === undefined) throw await notFound(pando, what, scope);
  if (!resolved.isDeleted) return resolved;
  throw new RuleError('not-found', `${what} was deleted`, `pando object show ${what} tells when`);
}

/** The error that showing it fails with: it knows what may be meant. */
async function notFound(pando: Pando, what: string, scope: DefaultScope): Promise<unknown> {
  try {
    await new CatalogObjects(await pando.catalog(), scope).show(what);
  } catch (error) {
    return error;
  }
  return new RuleError('not-found', `there is no object ${what}`, 'pando object ls shows what there is');
}
