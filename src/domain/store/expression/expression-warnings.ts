import { numberOf } from './attribute-value.ts';
import type { ParsedExpression } from './parse-expression.ts';
import { printExpression } from './print-expression.ts';
import { conditionsOf } from './store-expression.ts';

/** What an expression means may not be what its writer meant. */
export interface ExpressionWarning {
  readonly kind: 'mixed-operators' | 'no-number';
  readonly message: string;
  readonly remedy: string;
}

export function findExpressionWarnings({ value, mixesOperators }: ParsedExpression): ExpressionWarning[] {
  const warnings: ExpressionWarning[] = [];
  if (mixesOperators) {
    const reading = printExpression(value);
    warnings.push({
      kind: 'mixed-operators',
      message: `operators have equal precedence and are taken from left to right: this is ${reading}`,
      remedy: `write ${reading}, or put the parentheses where they are meant`,
    });
  }
  for (const condition of conditionsOf(value)) {
    if (condition.kind !== 'comparison' || !/[<>]/.test(condition.comparator)) continue;
    if (numberOf(condition.value) !== undefined) continue;
    warnings.push({
      kind: 'no-number',
      message: `${printExpression(condition)} matches no store: ${condition.value} is not a number`,
      remedy: 'write the number without a unit',
    });
  }
  return warnings;
}
