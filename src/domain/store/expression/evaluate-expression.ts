import { numberOf, readAttribute, textOf } from './attribute-value.ts';
import type { StoreAttributes, StoreExpression } from './store-expression.ts';

/** The stores that are meant, in the order given. None is an answer, not a mistake in the expression. */
export function evaluateExpression<S extends StoreAttributes>(
  expression: StoreExpression,
  stores: readonly S[],
): readonly S[] {
  return stores.filter((store) => isMeant(expression, store));
}

function isMeant(expression: StoreExpression, store: StoreAttributes): boolean {
  switch (expression.kind) {
    case 'all':
      return true;
    case 'attribute':
      return equals(store, expression.key, 'true');
    case 'comparison':
      return compares(store, expression);
    case 'combination': {
      const { operator, left, right } = expression;
      if (operator === '|') return isMeant(left, store) || isMeant(right, store);
      return isMeant(left, store) && isMeant(right, store) === (operator === '&');
    }
  }
}

function compares(
  store: StoreAttributes,
  { key, comparator, value }: StoreExpression & { readonly kind: 'comparison' },
): boolean {
  if (comparator === '=') return equals(store, key, value);
  // Also of stores that say nothing of the key: `key!=value` is `*\key=value`.
  if (comparator === '!=') return !equals(store, key, value);
  const has = readAttribute(store, key);
  const [ours, theirs] = [has === undefined ? undefined : numberOf(has), numberOf(value)];
  if (ours === undefined || theirs === undefined) return false;
  switch (comparator) {
    case '<':
      return ours < theirs;
    case '<=':
      return ours <= theirs;
    case '>':
      return ours > theirs;
    case '>=':
      return ours >= theirs;
  }
}

function equals(store: StoreAttributes, key: string, value: string): boolean {
  const has = readAttribute(store, key);
  return has !== undefined && textOf(has) === textOf(value);
}
