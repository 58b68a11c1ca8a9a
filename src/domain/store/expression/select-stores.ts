import { evaluateExpression } from './evaluate-expression.ts';
import type { ExpressionProblem } from './expression-problem.ts';
import { type ExpressionWarning, findExpressionWarnings } from './expression-warnings.ts';
import { parseExpression } from './parse-expression.ts';
import type { StoreAttributes, StoreExpression } from './store-expression.ts';
import { findUnknownKeys, type UnknownKey } from './unknown-keys.ts';

/**
 * What an expression means here and now. `not-understood` is a mistake in the text and stays one; `empty` may be filled by the
 * next store or attribute.
 */
export type StoreSelection<S> =
  | { readonly kind: 'not-understood'; readonly problem: ExpressionProblem }
  | (Understood & { readonly kind: 'empty' })
  | (Understood & { readonly kind: 'selected'; readonly stores: readonly [S, ...S[]] });

interface Understood {
  readonly expression: StoreExpression;
  readonly warnings: readonly ExpressionWarning[];
  readonly unknownKeys: readonly UnknownKey[];
}

export function selectStores<S extends StoreAttributes>(text: string, stores: readonly S[]): StoreSelection<S> {
  const parsed = parseExpression(text);
  if ('problem' in parsed) return { kind: 'not-understood', problem: parsed.problem };
  const expression = parsed.value;
  const understood = {
    expression,
    warnings: findExpressionWarnings(parsed),
    unknownKeys: findUnknownKeys(expression, stores),
  };
  const [first, ...others] = evaluateExpression(expression, stores);
  return first === undefined
    ? { kind: 'empty', ...understood }
    : { kind: 'selected', ...understood, stores: [first, ...others] };
}
