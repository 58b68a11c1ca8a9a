/**
 * Patterns of names, as a sync's filters take them (docs/sync.md, "Patterns").
 *
 * | pattern        | matches                                                        |
 * |----------------|----------------------------------------------------------------|
 * | `*.tmp`        | no `/` in it: the last segment, at any depth                   |
 * | `/a.txt`, `b/*.txt` | with a `/`: from the root of what is synced                |
 * | `cache/`, `a/cache/` | a `/` at the end: the directory and all below it           |
 *
 * `*` any characters but `/` · `**` as a segment: any number of segments · `?` one character but `/` · `[a-z]`, `[!a-z]` one of
 * these, never `/` · `{a,b}` either · `\` takes the next character as it is. A name's time is its length times the pattern's,
 * whatever the pattern: no backtracking.
 */
export type Pattern = (key: string) => boolean;

/** Or why it is none; completes "the pattern … ". */
export type ParsedPattern = { readonly value: Pattern } | { readonly problem: string };

type Token =
  | { readonly kind: 'character'; readonly is: string }
  | { readonly kind: 'class'; readonly negated: boolean; readonly ranges: readonly (readonly [string, string])[] }
  | { readonly kind: 'any' }
  | { readonly kind: 'star' }
  /** Whole segments, none or more, each with its `/`. */
  | { readonly kind: 'segments' }
  /** All that is left. */
  | { readonly kind: 'rest' };

/** Longer than any name; what is longer matches nothing anyway. */
const LENGTH_MAX = 2048;
/** `{a,b}{c,d}…` multiply. */
const ALTERNATIVES_MAX = 256;

export function parsePattern(pattern: string): ParsedPattern {
  if (pattern === '' || pattern === '/') return { problem: 'is empty' };
  if (pattern.length > LENGTH_MAX) return { problem: `is longer than ${LENGTH_MAX} characters` };
  const alternatives = expandBraces(pattern);
  if ('problem' in alternatives) return alternatives;
  const automata: Token[][] = [];
  for (const alternative of alternatives.value) {
    const tokens = tokenize(anchor(alternative));
    if ('problem' in tokens) return tokens;
    automata.push(tokens.value);
  }
  return { value: (key) => automata.some((tokens) => accepts(tokens, key)) };
}

/** The same pattern from the root: with its depth said by `**`. */
function anchor(pattern: string): string {
  const isDirectory = pattern.endsWith('/');
  const body = pattern.replace(/\/$/, '');
  const isAnchored = body.includes('/');
  return `${isAnchored ? '' : '**/'}${body.replace(/^\//, '')}${isDirectory ? '/**' : ''}`;
}

function expandBraces(pattern: string): { readonly value: string[] } | { readonly problem: string } {
  const open = findUnescaped(pattern, '{', 0);
  if (open < 0) return { value: [pattern] };
  const parts: string[] = [];
  let depth = 0;
  let from = open + 1;
  for (let at = open; at < pattern.length; at++) {
    const c = pattern[at];
    if (c === '\\') at++;
    else if (c === '{') depth++;
    else if (c === ',' && depth === 1) {
      parts.push(pattern.slice(from, at));
      from = at + 1;
    } else if (c === '}' && --depth === 0) {
      parts.push(pattern.slice(from, at));
      return joinBraces(pattern.slice(0, open), parts, pattern.slice(at + 1));
    }
  }
  return { problem: 'has a { without its }' };
}

function joinBraces(
  before: string,
  parts: readonly string[],
  after: string,
): { readonly value: string[] } | { readonly problem: string } {
  const value: string[] = [];
  for (const part of parts) {
    const expanded = expandBraces(`${part}${after}`);
    if ('problem' in expanded) return expanded;
    for (const one of expanded.value) value.push(`${before}${one}`);
    if (value.length > ALTERNATIVES_MAX) return { problem: `has more than ${ALTERNATIVES_MAX} alternatives in braces` };
  }
  return { value };
}

function findUnescaped(text: string, wanted: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === wanted) return at;
  }
  return -1;
}

function tokenize(pattern: string): { readonly value: Token[] } | { readonly problem: string } {
  const value: Token[] = [];
  const characters = Array.from(pattern);
  for (let at = 0; at < characters.length; at++) {
    const c = characters[at] as string;
    if (c === '\\') {
      const next = characters[++at];
      if (next === undefined) return { problem: 'ends with a single \\' };
      value.push({ kind: 'character', is: next });
    } else if (c === '*') {
      const startsSegment = at === 0 || characters[at - 1] === '/';
      let end = at;
      while (characters[end + 1] === '*') end++;
      if (end > at && startsSegment && characters[end + 1] === '/') {
        value.push({ kind: 'segments' });
        end++;
      } else if (end > at && startsSegment && end + 1 === characters.length) value.push({ kind: 'rest' });
      else value.push({ kind: 'star' });
      at = end;
    } else if (c === '?') value.push({ kind: 'any' });
    else if (c === '[') {
      const parsed = readClass(characters, at);
      if (parsed === undefined) return { problem: 'has a [ without its ]' };
      value.push(parsed.token);
      at = parsed.end;
    } else value.push({ kind: 'character', is: c });
  }
  return { value };
}

/** From `[` to its `]`. A `]` that comes first is one of the characters, as everywhere. */
function readClass(
  characters: readonly string[],
  open: number,
): { readonly token: Token; readonly end: number } | undefined {
  const negated = characters[open + 1] === '!' || characters[open + 1] === '^';
  const first = open + (negated ? 2 : 1);
  const ranges: [string, string][] = [];
  for (let at = first; at < characters.length; at++) {
    let c = characters[at] as string;
    if (c === ']' && at > first) return { token: { kind: 'class', negated, ranges }, end: at };
    if (c === '\\') c = characters[++at] ?? c;
    const last = characters[at + 2];
    if (characters[at + 1] === '-' && last !== undefined && last !== ']') {
      ranges.push([c, last]);
      at += 2;
    } else ranges.push([c, c]);
  }
  return undefined;
}

/** Steps a set of positions in the pattern through the name, so that no pattern is worse than its length. */
function accepts(tokens: readonly Token[], key: string): boolean {
  let now = new Set<number>();
  reach(tokens, 0, now);
  for (const c of key) {
    const next = new Set<number>();
    for (const at of now) step(tokens, at, c, next);
    if (next.size === 0) return false;
    now = next;
  }
  return now.has(tokens.length);
}

/** A position, and those behind tokens that need no character. */
function reach(tokens: readonly Token[], at: number, into: Set<number>): void {
  into.add(at);
  const kind = tokens[at]?.kind;
  if (kind === 'star' || kind === 'segments' || kind === 'rest') reach(tokens, at + 1, into);
}

/** Inside a segment that `segments` passes over: told apart from its beginning by a half position. */
const INSIDE = 0.5;

function step(tokens: readonly Token[], at: number, c: string, next: Set<number>): void {
  if (!Number.isInteger(at)) {
    if (c === '/') reach(tokens, at - INSIDE, next);
    else next.add(at);
    return;
  }
  const token = tokens[at];
  switch (token?.kind) {
    case undefined:
      return;
    case 'character':
      if (token.is === c) reach(tokens, at + 1, next);
      return;
    case 'any':
      if (c !== '/') reach(tokens, at + 1, next);
      return;
    case 'class':
      if (c !== '/' && token.ranges.some(([from, to]) => from <= c && c <= to) !== token.negated)
        reach(tokens, at + 1, next);
      return;
    case 'star':
      if (c !== '/') reach(tokens, at, next);
      return;
    case 'segments':
      if (c !== '/') next.add(at + INSIDE);
      return;
    case 'rest':
      reach(tokens, at, next);
  }
}
