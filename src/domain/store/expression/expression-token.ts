import type { Comparator, Operator } from './store-expression.ts';

/** `at`: where it begins, in UTF-16 units from 0. */
export type ExpressionToken = { readonly at: number } & (
  | { readonly kind: 'word' | '*' | '(' | ')' | 'end' | 'stranger'; readonly text: string }
  | { readonly kind: 'operator'; readonly text: Operator }
  | { readonly kind: 'comparator'; readonly text: Comparator }
);

/** Spaces and ends of lines between tokens mean nothing. */
const SPACE = /[ \t\r\n]*/y;
const TOKEN = /(?<word>[A-Za-z0-9._-]+)|(?<comparator>!=|<=|>=|[=<>])|(?<operator>[|&\\])|[*()]|(?<stranger>.)/suy;

/** The token that begins at `from` or behind the spaces there. Characters that belong in no expression are strangers. */
export function readToken(text: string, from: number): ExpressionToken {
  SPACE.lastIndex = from;
  SPACE.exec(text);
  const at = SPACE.lastIndex;
  TOKEN.lastIndex = at;
  const match = TOKEN.exec(text);
  if (match === null) return { kind: 'end', text: '', at };
  const [found] = match;
  const { word, comparator, operator, stranger } = match.groups ?? {};
  if (word !== undefined) return { kind: 'word', text: found, at };
  if (comparator !== undefined) return { kind: 'comparator', text: found as Comparator, at };
  if (operator !== undefined) return { kind: 'operator', text: found as Operator, at };
  return stranger === undefined
    ? { kind: found as '*' | '(' | ')', text: found, at }
    : { kind: 'stranger', text: found, at };
}

/** Where the next one may begin. */
export function endOf({ at, text }: ExpressionToken): number {
  return at + text.length;
}
