import { escapeKey } from '../../object/key.ts';

/** Why a text is no store expression: the first thing in it that cannot be. */
export interface ExpressionProblem {
  /** In UTF-16 units from 0; the text's length where it ends too early. */
  readonly at: number;
  /** Completes "expected …". */
  readonly expected: string;
  readonly message: string;
  readonly remedy: string;
}

/** `text`: what stands where `expected` should; empty at the end. */
export interface Misfit {
  readonly text: string;
  readonly at: number;
}

export function misses(
  misfit: Misfit,
  expected: string,
  remedy: string = `write ${expected} there`,
): ExpressionProblem {
  const found = misfit.text === '' ? 'it ends' : `there is "${escapeKey(misfit.text)}"`;
  const message = `the store expression is not understood at character ${misfit.at + 1}: expected ${expected}, and ${found}`;
  return { at: misfit.at, expected, message, remedy };
}

const ONE_OPERATOR = 'write one operator between two operands';
const OPERAND_REMEDIES: ReadonlyMap<string, string> = new Map([
  ['', 'write what stands right of the operator, or * for every store'],
  [')', 'write a store or an attribute before the )'],
  ['|', ONE_OPERATOR],
  ['&', ONE_OPERATOR],
  ['\\', ONE_OPERATOR],
  ['!', 'for every store but A write *\\A'],
  ['~', 'for every store but A write *\\A'],
]);

export function missesOperand(misfit: Misfit): ExpressionProblem {
  return misses(misfit, 'a store, an attribute, key=value, * or (', OPERAND_REMEDIES.get(misfit.text));
}

const OPERATOR_REMEDIES: ReadonlyMap<string, string> = new Map([
  ['', 'write a ) for every ('],
  [')', 'leave the ) out, or write the ( it belongs to'],
  ['*', 'leave the * out: it stands for every store, never for a part of a name'],
  [',', 'write | between stores of which each will do'],
]);

/** `after` an operand: behind a bare word a comparison may follow, inside parentheses their end. */
export function missesOperator(
  misfit: Misfit,
  after: { readonly word: boolean; readonly isOpen: boolean },
): ExpressionProblem {
  const expected = `${after.word ? '= != < <= > >= ' : ''}| & \\ or ${after.isOpen ? ')' : 'the end'}`;
  return misses(misfit, expected, OPERATOR_REMEDIES.get(misfit.text) ?? 'write an operator before it: | & or \\');
}
