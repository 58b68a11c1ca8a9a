import type { StoreExpression } from './store-expression.ts';

/** The expression without spaces, every change of operator in parentheses; `parseExpression` reads the same back. */
export function printExpression(expression: StoreExpression): string {
  switch (expression.kind) {
    case 'all':
      return '*';
    case 'attribute':
      return expression.key;
    case 'comparison':
      return `${expression.key}${expression.comparator}${expression.value}`;
    case 'combination': {
      const { operator, left, right } = expression;
      const isChain = left.kind !== 'combination' || left.operator === operator;
      const first = isChain ? printExpression(left) : `(${printExpression(left)})`;
      const second = right.kind === 'combination' ? `(${printExpression(right)})` : printExpression(right);
      return `${first}${operator}${second}`;
    }
  }
}
