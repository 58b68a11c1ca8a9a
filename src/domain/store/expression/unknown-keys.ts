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
  return [...named.difference(known)].map((key) => ({
    key,
    nearest: findValue(key, expression, stores) ?? findNearestWord(key, known),
  }));
}

/** `disk` where `kind=disk` is meant: what stands alone, and is the value of some store's attribute. */
function findValue(word: string, expression: StoreExpression, stores: readonly StoreAttributes[]): string | undefined {
  if (!conditionsOf(expression).some(({ kind, key }) => kind === 'attribute' && key === word)) return undefined;
  const attributes = stores.flatMap((store) => [...store.attributes]);
  const found = attributes.find(([, value]) => value !== true && value !== false && String(value) === word);
  return found && `${found[0]}=${word}`;
}
