import { expect, test } from 'vitest';
import { isPattern, parseNamePattern } from '../../src/client/object-names.ts';
import { parseMemberLines } from '../../src/client/parse-member-lines.ts';

const from = { file: 'names.txt', scope: 'user.jdoe' };
const SHA = 'ab'.repeat(32);

test('lines name members as they are, in the default scope too, and say what they are taken for', () => {
  const text = `lab:raw/1\r\n\nlab:a*b\nnotes\n{"object":"lab:{x}","size":3,"sha256":"${SHA}","more":true}\n`;
  expect(parseMemberLines(text, from)).toEqual([
    { scope: 'lab', name: 'raw/1' },
    { scope: 'lab', name: 'a*b' },
    { scope: 'user.jdoe', name: 'notes' },
    { scope: 'lab', name: '{x}', size: 3, sha256: SHA },
  ]);
});

test('all lines that are wrong are told, each with its place', () => {
  const text = 'lab:ok\nlab:/a\n{"object":"lab:a","size":-1}\n{"object":"lab:a","sha256":"ab"}\n{]\n{"size":1}\n';
  const problems = ['names.txt:2', 'names.txt:3', 'names.txt:4', 'names.txt:5', 'names.txt:6'];
  expect(() => parseMemberLines(text, from)).toThrow(new RegExp(problems.join('[\\s\\S]*')));
  expect(() => parseMemberLines('lab:/a', from)).toThrow('names.txt:1: the name "/a" is refused');
  expect(() => parseMemberLines('a', { ...from, scope: undefined })).toThrow('there is no default scope');
});

test.each<[pattern: string, prefix: string, yes: string, no: string]>([
  ['lab:*.csv', '', 'deep/er/a.csv', 'a.cvs'],
  ['lab:raw/*.csv', 'raw/', 'raw/a.csv', 'raw/deep/a.csv'],
  ['lab:/raw*', 'raw', 'raw1', 'x/raw1'],
  ['lab:raw/2024-{01,02}/**', 'raw/2024-', 'raw/2024-02/a/b', 'raw/2024-03/a'],
  ['lab:cache*/', '', 'a/cache1/b', 'cache1'],
])('the pattern %s matches names that begin with "%s"', (written, prefix, yes, no) => {
  expect(isPattern(written)).toBe(true);
  const { scope, matches, prefix: found } = parseNamePattern(written, undefined);
  expect({ scope, found }).toEqual({ scope: 'lab', found: prefix });
  expect([matches(yes), matches(no)]).toEqual([true, false]);
  expect(yes.startsWith(prefix)).toBe(true);
});

test('a pattern without a scope is in the default scope, and wrong where there is none', () => {
  expect(parseNamePattern('*.csv', 'user.jdoe').scope).toBe('user.jdoe');
  expect(() => parseNamePattern('*.csv', undefined)).toThrow('says no scope');
  expect(() => parseNamePattern('lab:a[', 'user.jdoe')).toThrow('has a [ without its ]');
});
