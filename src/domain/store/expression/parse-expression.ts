import { type ExpressionProblem, misses, missesOperand, missesOperator } from './expression-problem.ts';
import { endOf, type ExpressionToken, readToken } from './expression-token.ts';
import type { Operator, StoreExpression } from './store-expression.ts';

export interface ParsedExpression {
  readonly value: StoreExpression;
  /** Different operators stand side by side without parentheses. */
  readonly mixesOperators: boolean;
}

/** Longer than what other systems keep (3,000), and short enough that the deepest tree is walked without ado. */
export const EXPRESSION_LENGTH_MAX = 4096;

/** What was read since a `(` that is still open, or since the beginning; the operator is the last one there. */
interface Group {
  left: StoreExpression | undefined;
  operator: Operator | undefined;
}

/** Reads an expression. Operators have equal precedence and are taken from left to right: `A|B&C` is `(A|B)&C`. */
export function parseExpression(text: string): ParsedExpression | { readonly problem: ExpressionProblem } {
  if (text.length > EXPRESSION_LENGTH_MAX) return { problem: tooLong(text) };
  const open: Group[] = [];
  let group: Group = { left: undefined, operator: undefined };
  let mixesOperators = false;
  let token = readToken(text, 0);
  const advance = (): void => {
    token = readToken(text, endOf(token));
  };
  for (;;) {
    for (; token.kind === '('; advance()) {
      open.push(group);
      group = { left: undefined, operator: undefined };
    }
    const operand = readOperand(text, token);
    if ('problem' in operand) return operand;
    let left = join(group, operand.value);
    token = readToken(text, operand.end);
    const word = token.kind !== ')' && operand.value.kind === 'attribute';
    for (let outer = open.at(-1); token.kind === ')' && outer !== undefined; outer = open.at(-1)) {
      left = join(outer, left);
      group = outer;
      open.pop();
      advance();
    }
    const isOpen = open.length > 0;
    if (token.kind === 'end' && !isOpen) return { value: left, mixesOperators };
    if (token.kind !== 'operator') return { problem: missesOperator(token, { word, isOpen }) };
    mixesOperators ||= group.operator !== undefined && group.operator !== token.text;
    group.left = left;
    group.operator = token.text;
    advance();
  }
}

function join({ left, operator }: Group, right: StoreExpression): StoreExpression {
  return left === undefined || operator === undefined ? right : { kind: 'combination', operator, left, right };
}

type Operand = { readonly value: StoreExpression; readonly end: number } | { readonly problem: ExpressionProblem };

/** A name that may stand without a comparison. */
const BARE = /^[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*$/;
const BARE_MISFIT = /\.|[_-](?![A-Za-z0-9])|^[_-]/;

function readOperand(text: string, token: ExpressionToken): Operand {
  if (token.kind === '*') return { value: { kind: 'all' }, end: endOf(token) };
  if (token.kind !== 'word') return { problem: missesOperand(token) };
  const key = token.text;
  const comparator = readToken(text, endOf(token));
  if (comparator.kind === 'comparator') {
    const value = readToken(text, endOf(comparator));
    if (value.kind !== 'word') return { problem: misses(value, VALUE) };
    const dot = value.text.indexOf('.');
    if (dot >= 0) return { problem: misses({ text: '.', at: value.at + dot }, VALUE, NO_DOTS) };
    return { value: { kind: 'comparison', key, comparator: comparator.text, value: value.text }, end: endOf(value) };
  }
  if (BARE.test(key)) return { value: { kind: 'attribute', key }, end: endOf(token) };
  const misfitAt = Math.max(0, key.search(BARE_MISFIT));
  const misfit = { text: key.charAt(misfitAt), at: token.at + misfitAt };
  return { problem: misses(misfit, 'letters and digits, with single "_" or "-" between them', `write ${key}=true`) };
}

const VALUE = 'a value of letters, digits, "_" and "-"';
const NO_DOTS = 'write a whole number, or give the stores an attribute whose value has no "."';

function tooLong(text: string): ExpressionProblem {
  const misfit = { text: text.slice(EXPRESSION_LENGTH_MAX, EXPRESSION_LENGTH_MAX + 1), at: EXPRESSION_LENGTH_MAX };
  const expected = `at most ${EXPRESSION_LENGTH_MAX} characters`;
  return misses(misfit, expected, 'give the stores that are meant an attribute in common, and name that');
}
