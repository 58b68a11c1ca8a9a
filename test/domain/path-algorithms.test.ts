import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findKeyProblem } from '../../src/domain/object/key.ts';
import { formatObjectName, type ObjectName, parseObjectName } from '../../src/domain/object/object-name.ts';
import { makePathAlgorithms } from '../../src/domain/store/paths/path-algorithms.ts';
import type { PathAlgorithm } from '../../src/domain/store/paths/path-algorithm.ts';
import vectors from '../vectors/paths-and-checksums.json' with { type: 'json' };

const md5Hex = (text: string) => createHash('md5').update(text, 'utf8').digest('hex');
const algorithms = makePathAlgorithms(md5Hex);

function algorithm(name: string): PathAlgorithm {
  const found = algorithms.get(name);
  if (found === undefined) throw new Error(`no algorithm ${name}`);
  return found;
}

function object(text: string): ObjectName {
  const parsed = parseObjectName(text);
  if ('problems' in parsed) throw new Error(parsed.problems[0].message);
  return parsed.value;
}

function pathOf(name: string, text: string, dataset?: string): string | undefined {
  const outcome = algorithm(name).pathOf(object(text), dataset === undefined ? undefined : object(dataset));
  return 'path' in outcome ? outcome.path : undefined;
}

function refusal(name: string, text: string): string {
  const outcome = algorithm(name).pathOf(object(text));
  if ('path' in outcome) throw new Error(`it has the path ${outcome.path}`);
  return outcome.refused;
}

describe('an object lies', () => {
  test.each(vectors.hash_and_rucio_hash)('by its hash: $object', ({ object, hash, rucioHash }) => {
    expect(`/${pathOf('hash', object)}`).toBe(hash);
    expect(pathOf('rucio-hash', object)).toBe(rucioHash);
  });

  test.each(vectors.naming)('by the convention of its name: $object', ({ object, path }) => {
    expect(`/${pathOf('naming', object)}`).toBe(path);
  });

  test.each(vectors.dataset)('by its dataset: $object', ({ object, dataset, path }) => {
    expect(`/${pathOf('dataset', object, dataset)}`).toBe(path);
  });

  test('by its name', () => {
    expect(pathOf('identity', 'user.jdoe:test.file.1')).toBe('user.jdoe/test.file.1');
    expect(pathOf('plain', 'user.jdoe:test.file.1')).toBe('test.file.1');
  });

  test('below the prefix of its store', () => {
    expect(`https://storageserver.organization.org/VO/data/${pathOf('hash', 'user.jdoe:test.file.1')}`).toBe(
      'https://storageserver.organization.org/VO/data/07/7c/user.jdoe/test.file.1',
    );
  });
});

describe('a path is refused with the reason', () => {
  test.each([
    ['naming', 'has no dot', 's:nodots'],
    ['naming', 'begins with a dot', 's:.a.b'],
    ['naming', 'ends with a dot', 's:a.b.'],
    ['naming', 'has a / before its first dot', 's:a/b.c'],
    ['naming', '"a/s/../x" cannot lie in a store, because it has a . or .. segment', 's:a.../x'],
    ['naming', '"a/s//x" cannot lie in a store, because it has an empty segment (//)', 's:a./x'],
    ['rucio-hash', 'it has an empty segment (//)', 'user..a:n'],
    ['rucio-hash', 'it has an empty segment (//)', 'group.:n'],
    ['hash', 'it is longer than 1024 bytes of UTF-8', `s:${'n'.repeat(1024)}`],
    ['dataset', 'it is in no dataset; add it to one, or give its path', 's:n'],
  ])('%s: %s', (name, why, text) => {
    expect(refusal(name, text)).toMatch(
      new RegExp(`^"${text.slice(0, 5)}.*" has no path by the algorithm "${name}": `),
    );
    expect(refusal(name, text)).toContain(why);
  });
});

describe('an algorithm of the site’s own', () => {
  const own = (path: string): PathAlgorithm => ({ name: 'own', deterministic: true, pathOf: () => ({ path }) });
  const made = (path: string) =>
    makePathAlgorithms(md5Hex, [own(path)])
      .get('own')
      ?.pathOf(object('s:n'));

  test('is used like any other', () => {
    expect(made('x/n')).toEqual({ path: 'x/n' });
  });

  test.each(['../n', 'a/../../n', '/n', '', 'a//n', 'a\0n', '.pando/n'])('cannot lead out of the store: %j', (path) => {
    expect(made(path)).toHaveProperty('refused');
  });

  test('cannot take the name of another', () => {
    expect(() => makePathAlgorithms(md5Hex, [{ ...own('n'), name: 'hash' }])).toThrow('called "hash"');
  });
});

// Few words, so that names meet: parts of paths, dots where algorithms cut, hashes.
const word = fc.constantFrom('a', 'b', 'a.b', '..a', 'a..', 'b...', '.b', '07', '7c', 's', 'user.a', 'ü', 'n:m');
const words = fc.array(word, { minLength: 1, maxLength: 4 });
const name = fc
  .tuple(fc.constantFrom('', 'a.', 'b.'), words)
  .map(([first, words]) => first + words.join('/'))
  .filter((it) => findKeyProblem(it) === undefined);
const scope = fc.constantFrom(
  'a',
  'b',
  's',
  'a.b',
  'user.a',
  'user.a.b',
  'user.a.07.7c',
  'user..a',
  'group.',
  'userland',
);
const anyObject = fc.record({ scope, name });
const anyPath = (algorithm: PathAlgorithm, of: ObjectName, dataset: ObjectName) => {
  const outcome = algorithm.pathOf(of, dataset);
  return 'path' in outcome ? outcome.path : undefined;
};
describe.each([...algorithms.values()])('paths by $name', (algorithm) => {
  test('stay inside the prefix, and need no cleaning', () => {
    fc.assert(
      fc.property(anyObject, anyObject, (one, dataset) => {
        const path = anyPath(algorithm, one, dataset);
        fc.pre(path !== undefined);
        expect(posix.resolve('/prefix', path)).toBe(`/prefix/${path}`);
        expect(path).toMatch(/^[^/\0]+(\/[^/\0]+)*$/);
      }),
    );
  });

  test('are told by the names alone', () => {
    fc.assert(
      fc.property(anyObject, anyObject, (one, dataset) => {
        const alone = anyPath(algorithm, { ...one }, { ...dataset });
        expect(anyPath(algorithm, one, dataset)).toBe(alone);
        if (algorithm.deterministic) expect(algorithm.pathOf(one)).toEqual(algorithm.pathOf(one, dataset));
      }),
    );
  });
});

describe('no two objects share a path', () => {
  const join = (words: readonly string[]) => words.join('/');
  test.each<[string, (words: string[]) => { scope: string | undefined; name: string }]>([
    ['hash', ([, , scope, ...name]) => ({ scope, name: join(name) })],
    ['naming', ([first, scope, ...rest]) => ({ scope, name: `${first}.${join(rest)}` })],
    ['identity', ([scope, ...name]) => ({ scope, name: join(name) })],
  ])('by %s: the path tells the object', (name, read) => {
    fc.assert(
      fc.property(anyObject, (one) => {
        const path = anyPath(algorithm(name), one, one);
        fc.pre(path !== undefined);
        expect(read(path.split('/'))).toEqual(one);
      }),
    );
  });

  test('by dataset, within one: the path and the dataset tell the object', () => {
    fc.assert(
      fc.property(anyObject, anyObject, (one, dataset) => {
        const path = anyPath(algorithm('dataset'), one, dataset) ?? '';
        const [scope, ...name] = path.slice(`${dataset.scope}/${dataset.name}/`.length).split('/');
        expect({ scope, name: join(name) }).toEqual(one);
      }),
    );
  });
});

describe('two objects share a path', () => {
  const share = (name: string, a: string, b: string) => [pathOf(name, a), pathOf(name, b)];

  test('by plain when they have one name in two scopes', () => {
    expect(share('plain', 's:n', 't:n')).toEqual(['n', 'n']);
  });

  test('by rucio-hash when one scope is the other’s and goes on with its hash', () => {
    const [two, one] = ['user/jdoe/07/7c/36/80/47423', 'user/jdoe/07/7c/e3/93202608'];
    expect(share('rucio-hash', 'user.jdoe.07.7c:47423', 'user.jdoe:36/80/47423')).toEqual([two, two]);
    expect(share('rucio-hash', 'user.jdoe.07:93202608', 'user.jdoe:e3/93202608')).toEqual([one, one]);
  });

  test('by rucio-hash in no other case, even if hashes were no better than a coin', () => {
    const coin = makePathAlgorithms((text) => (text.length % 2 === 0 ? 'abab' : 'baba')).get('rucio-hash');
    // Few words, so that dozens of the pairs share a path, whatever the seed.
    const part = fc.constantFrom('ab', 'ba');
    const parts = fc.array(part, { maxLength: 3 });
    const coinObject = fc.record({
      scope: fc.tuple(fc.constantFrom('user', 'group', 's'), parts).map(([first, more]) => [first, ...more].join('.')),
      name: parts.map((more) => [...more, 'n'].join('/')),
    });
    let shared = 0;
    fc.assert(
      fc.property(coinObject, coinObject, (a, b) => {
        if (formatObjectName(a) === formatObjectName(b)) return;
        const [one, other] = [coin?.pathOf(a), coin?.pathOf(b)];
        if (JSON.stringify(one) !== JSON.stringify(other)) return;
        shared++;
        const [short, long] = [a.scope, b.scope].toSorted((x, y) => x.length - y.length);
        expect(long?.startsWith(`${short}.`)).toBe(true);
        expect(long).toMatch(/^(?:user|group)/);
      }),
      { numRuns: 20_000 },
    );
    expect(shared).toBeGreaterThan(0);
  });

  test('by dataset when the name of one’s dataset goes on where the other’s ends', () => {
    const scopeWord = fc.constantFrom('a', 'b', 's');
    fc.assert(
      fc.property(fc.array(scopeWord, { minLength: 5, maxLength: 7 }), ([outer = '', ...parts]) => {
        // Every reading of one path: the dataset's name ends before a part that is the object's scope.
        const readings = parts.slice(1, -1).map((scope, at) => ({
          dataset: { scope: outer, name: parts.slice(0, at + 1).join('/') },
          object: { scope, name: parts.slice(at + 2).join('/') },
        }));
        const paths = readings.map(({ object, dataset }) => anyPath(algorithm('dataset'), object, dataset));
        expect(new Set(paths)).toEqual(new Set([[outer, ...parts].join('/')]));
        expect(paths.length).toBeGreaterThan(1);
      }),
    );
  });
});
