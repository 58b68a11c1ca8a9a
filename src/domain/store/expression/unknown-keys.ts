import { findNearestWord } from '../../nearest-word.ts';
import { conditionsOf, type StoreAttributes, type StoreExpression } from './store-expression.ts';

/** A key that no store has and no store is called by: allowed, and most often a misspelling. */
export interface UnknownKey {
  readonly key: string;
  /** What may be meant, where something is near. */
  readonly nearest: string | undefined;
}

/** Each once, in the order of the expression. */
export function findUnknownKeys(expression: StoreExpression, stores: readonly StoreAttributes[]): UnknownKey[] {
  const known = new Set(stores.flatMap(({ name, attributes }) => [name, ...attributes.keys()]));
  const named = new Set(conditionsOf(expression).map(({ key }) => key));
  return [...named.difference(known)].map((key) => ({ key, nearest: findNearestWord(key, known) }));
}
