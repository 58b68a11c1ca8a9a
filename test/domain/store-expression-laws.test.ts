import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluateExpression } from '../../src/domain/store/expression/evaluate-expression.ts';
import { parseExpression } from '../../src/domain/store/expression/parse-expression.ts';
import { printExpression } from '../../src/domain/store/expression/print-expression.ts';
import type {
  AttributeValue,
  Comparator,
  Operator,
  StoreExpression,
} from '../../src/domain/store/expression/store-expression.ts';

const operator = fc.constantFrom<Operator>('|', '&', '\\');
const comparator = fc.constantFrom<Comparator>('=', '!=', '<', '<=', '>', '>=');
const keys = ['A', 'B', 'C', 'cap', 'tape', 'country'] as const;
const key = fc.constantFrom(...keys);
const value = fc.constantFrom('10', '010', '20', 'true', 'FALSE', 'de', 'DE', '-1');

const expression = fc.letrec<{ whole: StoreExpression; leaf: StoreExpression }>((tie) => ({
  leaf: fc.oneof(
    fc.constant<StoreExpression>({ kind: 'all' }),
    fc.record({
      kind: fc.constant('attribute' as const),
      key: fc.stringMatching(/^[A-Za-z0-9]{1,3}([_-][A-Za-z0-9]{1,3}){0,2}$/),
    }),
    fc.record({
      kind: fc.constant('comparison' as const),
      key: fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/),
      comparator,
      value: fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/),
    }),
  ),
  whole: fc.oneof(
    { depthSize: 'small' },
    tie('leaf'),
    fc.record({ kind: fc.constant('combination' as const), operator, left: tie('whole'), right: tie('whole') }),
  ),
})).whole;

test('an expression that was printed is read back as it was, without a warning', () => {
  fc.assert(
    fc.property(expression, (expression) => {
      expect(parseExpression(printExpression(expression))).toEqual({ value: expression, mixesOperators: false });
    }),
    { numRuns: 1_000 },
  );
});

interface Store {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, AttributeValue>;
}

/** A text, and what it means: sets of stores worked out beside it, from left to right, by no parser. */
interface Sample {
  readonly text: string;
  readonly meaning: (stores: readonly Store[]) => ReadonlySet<Store>;
}

function meaningOfComparison(key: string, comparator: Comparator, value: string): Sample['meaning'] {
  const isBoolean = (text: string) => ['true', 'false'].includes(text.toLowerCase());
  const fold = (text: string) => (isBoolean(text) ? text.toLowerCase() : text);
  const matching = (stores: readonly Store[], matches: (has: AttributeValue) => boolean) =>
    new Set(
      stores.filter(({ name, attributes }) => {
        const has = new Map<string, AttributeValue>([...attributes, [name, true]]).get(key);
        return has !== undefined && matches(has);
      }),
    );
  const equal: Sample['meaning'] = (stores) => matching(stores, (has) => fold(String(has)) === fold(value));
  if (comparator === '=') return equal;
  if (comparator === '!=') return (stores) => new Set(stores).difference(equal(stores));
  const asNumber = (it: AttributeValue) => (typeof it === 'boolean' ? Number.NaN : Number(it));
  const holds = {
    '<': (a: number, b: number) => a < b,
    '<=': (a: number, b: number) => a <= b,
    '>': (a: number, b: number) => a > b,
    '>=': (a: number, b: number) => a >= b,
  }[comparator];
  return (stores) => matching(stores, (has) => holds(asNumber(has), Number(value)));
}

const combine = {
  '|': (a: ReadonlySet<Store>, b: ReadonlySet<Store>) => a.union(b),
  '&': (a: ReadonlySet<Store>, b: ReadonlySet<Store>) => a.intersection(b),
  '\\': (a: ReadonlySet<Store>, b: ReadonlySet<Store>) => a.difference(b),
};

const space = fc.constantFrom('', '', ' ', '\n ');
const sample = fc.letrec<{ chain: Sample; term: Sample }>((tie) => ({
  term: fc.oneof(
    { depthSize: 'small' },
    fc.constant<Sample>({ text: '*', meaning: (stores) => new Set(stores) }),
    key.map((key) => ({ text: key, meaning: meaningOfComparison(key, '=', 'true') })),
    fc.tuple(key, space, comparator, space, value).map(([key, before, comparator, after, value]) => ({
      text: `${key}${before}${comparator}${after}${value}`,
      meaning: meaningOfComparison(key, comparator, value),
    })),
    fc.tuple(space, tie('chain'), space).map(([before, { text, meaning }, after]) => ({
      text: `(${before}${text}${after})`,
      meaning,
    })),
  ),
  chain: fc
    .tuple(tie('term'), fc.array(fc.tuple(space, operator, space, tie('term')), { maxLength: 4 }))
    .map(([first, rest]) => ({
      text: rest.reduce(
        (text, [before, operator, after, term]) => text + before + operator + after + term.text,
        first.text,
      ),
      meaning: (stores: readonly Store[]) =>
        rest.reduce((set, [, operator, , term]) => combine[operator](set, term.meaning(stores)), first.meaning(stores)),
    })),
})).chain;

const attribute = fc.constantFrom<AttributeValue>(
  10,
  '10',
  '010',
  20,
  20.5,
  true,
  false,
  'True',
  'false',
  'de',
  'DE',
  -1,
);
const stores = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('A', 'B', 'C', 'D', 'E'),
    attributes: fc.array(fc.tuple(key, attribute)).map((entries) => new Map(entries)),
  }),
  { selector: ({ name }) => name },
);

test('an expression means what sets of stores taken from left to right are', () => {
  fc.assert(
    fc.property(sample, stores, ({ text, meaning }, stores) => {
      const parsed = parseExpression(text);
      if ('problem' in parsed) throw new Error(`${text}: ${parsed.problem.message}`);
      const expected = meaning(stores);
      expect(evaluateExpression(parsed.value, stores)).toEqual(stores.filter((store) => expected.has(store)));
    }),
    { numRuns: 2_000 },
  );
});

test('any text is either understood or refused with a place inside it', () => {
  const piece = fc.constantFrom(
    'A',
    '_',
    '.',
    '=',
    '<',
    '!',
    '|',
    '&',
    '\\',
    '(',
    ')',
    '*',
    ' ',
    ',',
    '😀',
    '\u{d800}',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      const parsed = parseExpression(text);
      if ('value' in parsed) {
        expect(parseExpression(printExpression(parsed.value))).toMatchObject({ value: parsed.value });
      } else {
        expect(parsed.problem.at).toBeGreaterThanOrEqual(0);
        expect(parsed.problem.at).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 2_000 },
  );
});
