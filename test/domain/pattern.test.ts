import * as fc from 'fast-check';
import picomatch from 'picomatch';
import { describe, expect, test } from 'vitest';
import { parsePattern } from '../../src/domain/transfer/pattern.ts';

function matches(pattern: string, key: string): boolean {
  const parsed = parsePattern(pattern);
  if ('problem' in parsed) throw new Error(`${pattern} ${parsed.problem}`);
  return parsed.value(key);
}

describe('a pattern of names', () => {
  test.each<[pattern: string, matching: string[], others: string[]]>([
    ['*.tmp', ['a.tmp', 'b/c/.tmp', '.tmp'], ['a.tmp/b', 'a.tmp2']],
    ['README', ['README', 'docs/README'], ['README.md', 'README/x']],
    ['/a.txt', ['a.txt'], ['b/a.txt']],
    ['b/*.txt', ['b/a.txt', 'b/.txt'], ['b/c/a.txt', 'x/b/a.txt']],
    ['cache/', ['cache/x', 'cache/x/y', 'x/cache/y', 'cache/'], ['cache', 'mycache/x', 'cache2/x']],
    ['/cache/', ['cache/x'], ['x/cache/y']],
    ['a/cache/', ['a/cache/x'], ['cache/x', 'b/a/cache/x']],
    ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z'], ['a/bz', 'az', 'x/a/z']],
    ['**/z', ['z', 'a/z'], ['az']],
    ['a/**', ['a/b', 'a/b/c', 'a/.b'], ['a', 'ab/c']],
    ['**', ['a', 'a/b'], []],
    ['a**b/c', ['ab/c', 'axb/c'], ['a/x/b/c']],
    ['?.txt', ['a.txt', '😀.txt', 'b/ä.txt'], ['.txt', 'ab.txt']],
    ['[a-c]x', ['ax', 'd/cx'], ['dx', 'a/x']],
    ['[!a-c]x', ['dx', '-x'], ['ax', 'a/x']],
    ['[]a]', [']', 'a'], ['b']],
    ['{a,b/{c,d}}.t', ['a.t', 'x/a.t', 'b/c.t', 'b/d.t'], ['b.t', 'x/b/c.t']],
    ['\\*\\[', ['*['], ['a[']],
    ['.*', ['.a', 'b/.c'], ['a', 'a.b']],
  ])('%s', (pattern, matching, others) => {
    expect(matching.filter((key) => !matches(pattern, key))).toEqual([]);
    expect(others.filter((key) => matches(pattern, key))).toEqual([]);
  });

  test.each([
    ['', 'is empty'],
    ['/', 'is empty'],
    ['a{b', 'has a { without its }'],
    ['[a', 'has a [ without its ]'],
    ['a\\', 'ends with a single \\'],
    ['{a,b}'.repeat(9), 'has more than 256 alternatives in braces'],
    ['a'.repeat(3000), 'is longer than 2048 characters'],
  ])('that is none is refused with the reason: %.12s', (pattern, problem) => {
    expect(parsePattern(pattern)).toEqual({ problem });
  });

  test('means what it means elsewhere', () => {
    const part = fc.constantFrom('a', 'b', '*', '?', '.', '[ab]', '{a,b}', 'a*', '*b');
    const pattern = fc
      .array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('/'));
    const key = fc
      .array(fc.constantFrom('a', 'b', 'ab', '.a', 'aab', '.'), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join('/'));
    fc.assert(
      fc.property(pattern, key, (glob, name) => {
        fc.pre(!/(^|\/)\.{1,2}(\/|$)/.test(name) && !/(^|\/)\.(\/|$)/.test(glob) && !glob.endsWith('**'));
        expect(matches(`/${glob}`, name)).toBe(
          picomatch(glob, { dot: true, noextglob: true, strictSlashes: true })(name),
        );
      }),
      { numRuns: 2_000 },
    );
  });

  test('takes no longer for being hostile', () => {
    const name = `${'a'.repeat(1000)}/${'a'.repeat(23)}`;
    const startedMs = performance.now();
    for (const pattern of [
      '*a'.repeat(100),
      '**/'.repeat(100),
      '{a*,*a,*}'.repeat(4),
      '[a]*'.repeat(100),
      '?*'.repeat(200),
    ])
      matches(`${pattern}b`, name);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
