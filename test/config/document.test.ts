import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDocument } from '../../src/config/document.ts';

describe('a document', () => {
  it('reads every JSON text as JSON does, but an empty value is undefined', () => {
    const data = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.integer(),
        tie('list'),
        tie('section'),
      ),
      list: fc.array(tie('value'), { maxLength: 4 }),
      section: fc.dictionary(
        fc.string({ minLength: 1, maxLength: 20 }).filter((key) => key !== '<<'),
        tie('value'),
        { maxKeys: 4 },
      ),
    })).section;
    fc.assert(
      fc.property(data, fc.constantFrom(undefined, 2, '\t'), (value, indent) => {
        const document = parseDocument(JSON.stringify(value, null, indent));
        expect(document.flaws).toEqual([]);
        expect(JSON.parse(JSON.stringify(document.value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('says where a value and its key are', () => {
    const { locate } = parseDocument('a:\n  - b: 1\n    cc:   2\n');
    expect(locate(['a', 0, 'cc'], 'value')).toEqual({ line: 3, column: 11 });
    expect(locate(['a', 0, 'cc'], 'key')).toEqual({ line: 3, column: 5 });
    expect(locate(['a', 0], 'value')).toEqual({ line: 2, column: 5 });
  });

  it('gives the place around a value that is not there', () => {
    const { locate } = parseDocument('a:\n  b: {}\n');
    expect(locate(['a', 'b', 'c', 'd'], 'value')).toEqual({ line: 2, column: 3 });
    expect(locate(['z'], 'value')).toEqual({ line: 1, column: 1 });
  });

  it('names the first line of a key that is written twice', () => {
    const { flaws } = parseDocument('a: 1\nb: 2\na: 3\n');
    expect(flaws).toEqual([
      expect.objectContaining({ path: ['a'], line: 3, column: 1, message: 'a is written twice, first on line 1' }),
    ]);
  });

  it.each(['!!omap [a: 1]', '!!pairs [a: 1]', '!!set {a, b}', '!!binary eA=='])(
    'says of %s that its tag means nothing',
    (text) => {
      const { flaws } = parseDocument(`a: ${text}`);
      expect(flaws).toMatchObject([{ line: 1, message: 'the text has a tag (!…) that means nothing here' }]);
    },
  );

  it('keeps __proto__ as a key like any other', () => {
    const { value } = parseDocument('__proto__: { polluted: true }\nconstructor: 1\n');
    expect(Object.getPrototypeOf(value)).toBeNull();
    expect(Object.keys(value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('reads a key as its text and not as the number it looks like', () => {
    expect(Object.keys(parseDocument('1.10: a\n2024: b\nnull: c\n').value as object)).toEqual(
      expect.arrayContaining(['1.10', '2024', 'null']),
    );
  });

  it('follows aliases and merge keys, own keys first', () => {
    const { value, flaws } = parseDocument('base: &b { x: 1, y: 2 }\nother:\n  <<: *b\n  y: 3\nlist: *b\n');
    expect(flaws).toEqual([]);
    expect(value).toEqual({ base: { x: 1, y: 2 }, other: { y: 3, x: 1 }, list: { x: 1, y: 2 } });
  });

  it('stops at aliases that multiply beyond measure', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) =>
        `l${i}: &l${i} [${Array(9)
          .fill(i === 0 ? 'x' : `*l${i - 1}`)
          .join(', ')}]`,
    );
    expect(parseDocument(levels.join('\n')).flaws[0]?.message).toContain('beyond all measure');
  });

  it('reads a text of blanks and comments as nothing', () => {
    for (const text of ['', '\n\n', '# nothing yet\n', '\uFEFF'])
      expect(parseDocument(text)).toMatchObject({ value: undefined, flaws: [] });
  });

  it.each([
    ['a: "x"SECRET\n', 1],
    ['a: [SECRET\nb: 1\n', 1],
    ['a:\n\tSECRET: 1\n', 2],
    ['secret_key: SECRET: SECRET\n', 1],
    ['a: "SECRET\\q"\n', 1],
    ['a: @SECRET\n', 1],
    ['a: !SECRET b\n', 1],
    ['a: *SECRET\n', 1],
    ['a: 1\n---\nSECRET: 2\n', 2],
    ['? [SECRET]\n: 1\n', 1],
    ['- a\nSECRET: 1\n', 2],
  ])('says of %j where it breaks without quoting it', (text, line) => {
    const { flaws } = parseDocument(text);
    expect(flaws.length).toBeGreaterThan(0);
    expect(Math.abs((flaws[0]?.line ?? 0) - line)).toBeLessThanOrEqual(1);
    expect(JSON.stringify(flaws)).not.toContain('SECRET');
  });

  it('says how to write a reference inside braces', () => {
    for (const text of ['a: { k: ${HOME} }\nb: 1\n', 'a: [${HOME}, 2]\n']) {
      expect(parseDocument(text).flaws).toEqual([expect.objectContaining({ remedy: 'put it in quotes: "${NAME}"' })]);
    }
  });
});
