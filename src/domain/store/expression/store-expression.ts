/**
 * Which stores are meant (docs/names-and-expressions.md, "Store expressions"). Parentheses are no part of it: they are where the
 * tree says they must be.
 */
export type StoreExpression =
  /** `*`: every store. */
  | { readonly kind: 'all' }
  | Condition
  /** `left|right` */
  | {
      readonly kind: 'combination';
      readonly operator: Operator;
      readonly left: StoreExpression;
      readonly right: StoreExpression;
    };

export type Condition =
  /** `key`: the attribute is true. A store's own name is such an attribute. */
  | { readonly kind: 'attribute'; readonly key: string }
  /** `key=value` */
  | { readonly kind: 'comparison'; readonly key: string; readonly comparator: Comparator; readonly value: string };

/** `=` and `!=` compare text, the others numbers. */
export type Comparator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** Union, intersection, complement: what is left without right. */
export type Operator = '|' | '&' | '\\';

/** What an attribute of a store may be. The texts `true` and `false`, in any case, are booleans. */
export type AttributeValue = string | number | boolean;

/** What an expression looks at. That a store's own name is true need not be said. */
export interface StoreAttributes {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

/** What an expression asks of attributes, from left to right. */
export function conditionsOf(expression: StoreExpression): readonly Condition[] {
  if (expression.kind === 'all') return [];
  if (expression.kind !== 'combination') return [expression];
  return [...conditionsOf(expression.left), ...conditionsOf(expression.right)];
}
