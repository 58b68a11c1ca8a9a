import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findObjectNameProblems, formatObjectName, parseObjectName } from '../../src/domain/object/object-name.ts';
import { defaultScope, findScopeProblem } from '../../src/domain/object/scope.ts';

const parse = (text: string) => {
  const parsed = parseObjectName(text);
  return 'value' in parsed ? [parsed.value.scope, parsed.value.name] : parsed.problems.map(({ message }) => message);
};

describe('the name of an object', () => {
  test.each([
    ['user.jdoe:test.file.1', 'user.jdoe', 'test.file.1'],
    ['mn1:doi:10.5063/F1', 'mn1', 'doi:10.5063/F1'],
    ['mn1:urn:uuid:0c2f', 'mn1', 'urn:uuid:0c2f'],
    ['doi:10.5063/F1', 'doi', '10.5063/F1'],
    ['s:a b/ü/😀', 's', 'a b/ü/😀'],
    ['s:a::b:', 's', 'a::b:'],
    ['-s:...', '-s', '...'],
    [`s:${'ü'.repeat(512)}`, 's', 'ü'.repeat(512)],
    [`${'s'.repeat(63)}:a`, 's'.repeat(63), 'a'],
  ])('%s is parted at its first colon', (text, scope, name) => {
    expect(parse(text)).toEqual([scope, name]);
  });

  test.each([
    ['a', '"a" has no ":" between a scope and a name, and there is no default scope'],
    ['', '"" has no ":" between a scope and a name, and there is no default scope'],
    [':a', 'the scope "" is empty'],
    ['s/t:a', 'the scope "s/t" has characters other than letters, digits, ".", "_" and "-"'],
    ['ä:a', 'the scope "ä" has characters other than letters, digits, ".", "_" and "-"'],
    [`${'s'.repeat(64)}:a`, `the scope "${'s'.repeat(64)}" is longer than 63 characters`],
    ['_s:a', 'the scope "_s" begins with "_", which Pando keeps for itself'],
    ['..:a', 'the scope ".." begins with ".", which Pando keeps for itself'],
    ...['admin', 'metadata', 'metrics', 'openapi.json', 'favicon.ico'].map((scope) => [
      `${scope}:a`,
      `the scope "${scope}" is reserved: addresses of Pando itself begin with it`,
    ]),
    ['s:', 'the name "" is refused: it is empty'],
    ['s:/a', 'the name "/a" is refused: it begins with /'],
    ['s:a/', 'the name "a/" is refused: it ends with / (a directory marker, not an object)'],
    ['s:a//b', 'the name "a//b" is refused: it has an empty segment (//)'],
    ['s:a/../b', 'the name "a/../b" is refused: it has a . or .. segment'],
    ['s:.', 'the name "." is refused: it has a . or .. segment'],
    ['s:a\0b', String.raw`the name "a\u0000b" is refused: it contains a control character`],
    ['s:a\nb', String.raw`the name "a\u000ab" is refused: it contains a control character`],
    ['s:\u{d800}', 'the name "\ufffd" is refused: it is not well-formed Unicode'],
    [`s:${'ü'.repeat(512)}a`, `the name "${'ü'.repeat(200)}…" is refused: it is longer than 1024 bytes of UTF-8`],
    ['s:.pando/a', 'the name ".pando/a" is refused: it lies in .pando, which Pando keeps for itself'],
  ])('%j is refused with the reason', (text, message) => {
    expect(parse(text)).toEqual([message]);
  });

  test('is refused with all that is wrong at once, each with a remedy', () => {
    const parsed = parseObjectName('_s:a//b');
    if ('value' in parsed) throw new Error('it is taken');
    expect(parsed.problems.map(({ part }) => part)).toEqual(['scope', 'name']);
    for (const { remedy } of parsed.problems) expect(remedy).not.toBe('');
  });

  test('given in two parts is held to the same', () => {
    expect(findObjectNameProblems({ scope: 's', name: 'a' })).toEqual([]);
    expect(findObjectNameProblems({ scope: 's:t', name: '..' })).toMatchObject([{ part: 'scope' }, { part: 'name' }]);
  });

  test('without a colon is one in the default scope', () => {
    expect(parseObjectName('test.file.1', { defaultScope: 'user.jdoe' })).toEqual({
      value: { scope: 'user.jdoe', name: 'test.file.1' },
    });
    expect(parseObjectName('s:a', { defaultScope: 'user.jdoe' })).toEqual({ value: { scope: 's', name: 'a' } });
    expect(parseObjectName('a//b', { defaultScope: 'user.jdoe' })).toMatchObject({ problems: [{ part: 'name' }] });
  });

  test('reads back as it was written', () => {
    const scope = fc.stringMatching(/^[A-Za-z0-9-][A-Za-z0-9._-]{0,62}$/).filter((it) => !findScopeProblem(it));
    const name = fc.string({ unit: fc.constantFrom('a', ':', '/', '.', 'ü', '😀', ' '), minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(scope, name, (scope, name) => {
        const parsed = parseObjectName(formatObjectName({ scope, name }));
        if ('value' in parsed) expect(parsed.value).toEqual({ scope, name });
        else expect(parsed.problems.map(({ part }) => part)).toEqual(['name']);
      }),
    );
  });
});

describe('the default scope of an account', () => {
  test('is made of its name', () => {
    expect(defaultScope('jdoe')).toEqual({ value: 'user.jdoe' });
  });

  test.each(['', String.raw`ACME\jdoe`, 'jdoe@acme', 'jürgen', 'j'.repeat(59)])('%j is none', (account) => {
    expect(defaultScope(account)).toHaveProperty('problem', expect.stringMatching(/name (the|another) scope$/));
  });
});
