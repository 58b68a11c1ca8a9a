import { describe, expect, test } from 'vitest';
import { EXPRESSION_LENGTH_MAX, parseExpression } from '../../src/domain/store/expression/parse-expression.ts';
import { printExpression } from '../../src/domain/store/expression/print-expression.ts';
import { selectStores } from '../../src/domain/store/expression/select-stores.ts';
import type { AttributeValue, StoreAttributes } from '../../src/domain/store/expression/store-expression.ts';
import vectors from '../vectors/store-expressions.json' with { type: 'json' };

const store = (name: string, attributes: Readonly<Record<string, AttributeValue>>): StoreAttributes => ({
  name,
  attributes: new Map(Object.entries(attributes)),
});
const fixture = Object.entries(vectors.fixture.stores).map(([name, attributes]) => store(name, attributes));

function select(text: string, stores: readonly StoreAttributes[] = fixture): string[] {
  const selection = selectStores(text, stores);
  if (selection.kind === 'not-understood') throw new Error(selection.problem.message);
  return selection.kind === 'empty' ? [] : selection.stores.map(({ name }) => name);
}

describe('a store expression', () => {
  test.each([...vectors.cases, ...vectors.additions])('$expression means $stores', ({ expression, stores }) => {
    expect(select(expression)).toEqual(stores);
  });

  test.each(vectors.empty)('%s is understood and means no store', (expression) => {
    expect(selectStores(expression, fixture)).toMatchObject({ kind: 'empty' });
  });

  test.each(vectors.syntaxErrors)('%j is not understood', (expression) => {
    expect(selectStores(expression, fixture)).toMatchObject({ kind: 'not-understood' });
  });

  test.each<[string, string[]]>([
    ['cap!=10', ['B', 'C', 'D', 'E']],
    ['site!=CERN-PROD', ['A', 'C', 'D', 'E']],
    ['cap<=20', ['A', 'B']],
    ['cap>inf', []],
    ['cap<inf', ['A', 'B', 'C', 'D', 'E']],
    ['cap>-1', ['A', 'B', 'C', 'D', 'E']],
    ['cap<1_0_0', ['A', 'B', 'C', 'D', 'E']],
    ['cap<1__0', []],
    ['cap<nan', []],
    ['T1<2', []],
    ['A=True&A', ['A']],
    ['A=false', []],
    ['D\\deterministic', ['D']],
    [' ( A\t|\nB ) & country = de ', ['B']],
  ])('%j means %j', (expression, stores) => {
    expect(select(expression)).toEqual(stores);
  });

  test('takes attributes that were written as text', () => {
    const stores = [store('X', { tape: 'TRUE', cap: '010', rack: '-1.5e1' }), store('Y', { tape: 'yes', cap: 1e21 })];
    expect(select('tape', stores)).toEqual(['X']);
    expect(select('tape=true', stores)).toEqual(['X']);
    expect(select('cap=010', stores)).toEqual(['X']);
    expect(select('cap=10', stores)).toEqual([]);
    expect(select('cap>=10&(cap<=10)', stores)).toEqual(['X']);
    expect(select('cap>10', stores)).toEqual(['Y']);
    expect(select('rack<-14', stores)).toEqual(['X']);
  });

  test('knows a store by its name, and by what others call an attribute', () => {
    const stores = [store('X', { X: false, 'lab.nas': true }), store('lab.nas', {}), store('Y', { X: true })];
    expect(select('X', stores)).toEqual(['X', 'Y']);
    expect(select('lab.nas=true', stores)).toEqual(['X', 'lab.nas']);
  });
});

describe('what is not understood is told with its place, what was expected, and a remedy', () => {
  test.each([
    ['', 0, 'a store, an attribute, key=value, * or (', '* for every store'],
    ['A|', 2, 'a store, an attribute, key=value, * or (', '* for every store'],
    ['A||B', 2, 'a store, an attribute, key=value, * or (', 'one operator'],
    ['()', 1, 'a store, an attribute, key=value, * or (', 'before the )'],
    ['!A', 0, 'a store, an attribute, key=value, * or (', '*\\A'],
    ['=de', 0, 'a store, an attribute, key=value, * or (', 'write a store'],
    ['A,B', 1, '= != < <= > >= | & \\ or the end', 'write | between'],
    ['A B', 2, '= != < <= > >= | & \\ or the end', 'an operator before it'],
    ['A constructor', 2, '= != < <= > >= | & \\ or the end', 'an operator before it'],
    ['a=b=c', 3, '| & \\ or the end', 'an operator before it'],
    ['*=b', 1, '| & \\ or the end', 'an operator before it'],
    ['A*', 1, '= != < <= > >= | & \\ or the end', 'leave the * out'],
    ['(A)(B)', 3, '| & \\ or the end', 'an operator before it'],
    ['(A', 2, '= != < <= > >= | & \\ or )', 'a ) for every ('],
    ['(A)  )', 5, '| & \\ or the end', 'leave the ) out'],
    ['((A) B)', 5, '| & \\ or )', 'an operator before it'],
    ['country="de"', 8, 'a value of letters, digits, "_" and "-"', 'a value'],
    ['country=', 8, 'a value of letters, digits, "_" and "-"', 'a value'],
    ['country==de', 8, 'a value of letters, digits, "_" and "-"', 'a value'],
    ['cap<20.5', 6, 'a value of letters, digits, "_" and "-"', 'a whole number'],
    ['lab.nas', 3, 'letters and digits, with single "_" or "-" between them', 'lab.nas=true'],
    ['T1|A_', 4, 'letters and digits, with single "_" or "-" between them', 'A_=true'],
    ['A--B', 1, 'letters and digits, with single "_" or "-" between them', 'A--B=true'],
    ['A|😀', 2, 'a store, an attribute, key=value, * or (', 'write a store'],
  ])('%j', (text, at, expected, remedy) => {
    const parsed = parseExpression(text);
    expect(parsed).toEqual({
      problem: { at, expected, message: expect.any(String), remedy: expect.stringContaining(remedy) },
    });
  });

  test('in one line that shows nothing hostile', () => {
    expect(parseExpression('A|\u001b[31m')).toMatchObject({
      problem: {
        message: String.raw`the store expression is not understood at character 3: expected a store, an attribute, key=value, * or (, and there is "\u001b"`,
      },
    });
    expect(parseExpression('(A')).toMatchObject({ problem: { message: expect.stringMatching(/, and it ends$/) } });
  });

  test('also when it is too long; the longest ones and the deepest are taken', () => {
    const problem = { at: EXPRESSION_LENGTH_MAX, expected: 'at most 4096 characters' };
    expect(parseExpression('A'.repeat(EXPRESSION_LENGTH_MAX + 1))).toMatchObject({ problem });
    const chain = `${'A|'.repeat(EXPRESSION_LENGTH_MAX / 2 - 1)}AA`;
    const deep = `${'A&('.repeat(1023)}A${')'.repeat(1023)}`;
    const hollow = `${'('.repeat(2047)}A${')'.repeat(2047)}`;
    for (const text of [chain, deep, hollow]) expect(select(text)).toEqual(['A']);
  });
});

describe('a warning', () => {
  test.each([
    ['A|B&C', '(A|B)&C'],
    ['B&C|A', '(B&C)|A'],
    ['T2|T1\\T2', '(T2|T1)\\T2'],
    ['A|B|C&D', '(A|B|C)&D'],
    ['A&(B|C\\D)', 'A&((B|C)\\D)'],
    ['A|(B)&C', '(A|B)&C'],
    ['(A|B)&C|D', '((A|B)&C)|D'],
  ])('says that %s is %s', (text, reading) => {
    expect(selectStores(text, fixture)).toMatchObject({
      warnings: [{ kind: 'mixed-operators', message: expect.stringContaining(`this is ${reading}`) }],
    });
    expect(selectStores(reading, fixture)).toMatchObject({ warnings: [] });
  });

  test.each(['A', 'A\\B\\C', 'A|(B&C)', '((A|B)&T1)|D', '(A|B)&(C|D)&(T1|T2)'])('is not given for %s', (text) => {
    expect(selectStores(text, fixture)).toMatchObject({ warnings: [] });
  });

  test('says what is compared and is no number', () => {
    expect(selectStores('cap<10TB', fixture)).toMatchObject({
      kind: 'empty',
      warnings: [{ kind: 'no-number', message: 'cap<10TB matches no store: 10TB is not a number' }],
    });
  });
});

describe('a key that no store has', () => {
  test('is offered the nearest there is', () => {
    expect(selectStores('A|contry=de|T3|Istape|contry=at|nosuch', fixture)).toMatchObject({
      kind: 'selected',
      unknownKeys: [
        { key: 'contry', nearest: 'country' },
        { key: 'T3', nearest: 'T1' },
        { key: 'Istape', nearest: 'istape' },
        { key: 'nosuch', nearest: undefined },
      ],
    });
  });

  test('and that stands alone is offered as the value it is of an attribute', () => {
    const stores = [
      {
        name: 'a',
        attributes: new Map<string, string | number>([
          ['kind', 'disk'],
          ['tier', 2],
        ]),
      },
      { name: 'b', attributes: new Map([['disc', 'x']]) },
    ];
    expect(selectStores('disk&tier>1|2|disk=x', stores)).toMatchObject({
      unknownKeys: [
        { key: 'disk', nearest: 'kind=disk' },
        { key: '2', nearest: 'tier=2' },
      ],
    });
    expect(selectStores('disk=x', stores)).toMatchObject({ unknownKeys: [{ key: 'disk', nearest: 'disc' }] });
  });

  test('is none among names of stores and keys of some', () => {
    expect(selectStores('A|kind=disk', fixture)).toMatchObject({ unknownKeys: [] });
  });
});

describe('printed', () => {
  test.each([
    [' A | B ', 'A|B'],
    ['((A))', 'A'],
    ['A|(B|C)', 'A|(B|C)'],
    ['(A|B)|C', 'A|B|C'],
    ['A|B&C', '(A|B)&C'],
    ['cap >= 40 \\ ( * )', 'cap>=40\\*'],
  ])('%j is %s', (text, printed) => {
    const parsed = parseExpression(text);
    if ('problem' in parsed) throw new Error(parsed.problem.message);
    expect(printExpression(parsed.value)).toBe(printed);
  });
});
