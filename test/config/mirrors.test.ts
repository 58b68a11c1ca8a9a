import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { briefly, configure, fileProfiles, problemsOf, temporaryDirectory } from './configure.ts';

const at = (i: number, key = 'replica_profile') => `profiles.a.replicas[${i}].${key}`;

/** Profile a with these replicas, and b, c, d beside it. */
function withReplicas(entries: string): string {
  return `${fileProfiles('/data', { b: [], c: [], d: [] })}  a:
    storage_provider: { type: file, options: { base_path: /data/a } }
    replicas: ${entries}
`;
}

describe('read_priority', () => {
  it.each([
    ['missing', '', 'read_priority has no value'],
    ['without a value', 'read_priority: ', 'read_priority has no value'],
    ['0', 'read_priority: 0', '0 must be 1 or more'],
    ['negative', 'read_priority: -1', '-1 must be 1 or more'],
    ['a fraction', 'read_priority: 1.5', '1.5 must be a whole number'],
    ['infinite', 'read_priority: .inf', 'Infinity must be a whole number'],
    ['text', 'read_priority: "1"', '"1" must be a number, and is text'],
    ['a boolean', 'read_priority: true', 'true must be a number'],
    ['a list', 'read_priority: [1]', 'read_priority must be a number'],
  ])('that is %s is a problem', (_, entry, message) => {
    expect(briefly(problemsOf(withReplicas(`[{ replica_profile: b, ${entry} }]`)))).toEqual([
      `${at(0, 'read_priority')}: ${message}`,
    ]);
  });

  it('orders replicas with ties in the order listed, whatever the gaps and the order', () => {
    const entries = ['d: 7', 'b: 100', 'c: 7'].map((entry) => {
      const [name, priority] = entry.split(': ');
      return `{ replica_profile: ${name}, read_priority: ${priority} }`;
    });
    expect(configure(withReplicas(`[${entries.join(', ')}]`)).profiles['a']?.replicas).toEqual([
      { profile: 'd', readPriority: 7 },
      { profile: 'c', readPriority: 7 },
      { profile: 'b', readPriority: 100 },
    ]);
  });

  it('of 1.0 is the whole number it is', () => {
    expect(
      configure(withReplicas('[{ replica_profile: b, read_priority: 1.0 }]')).profiles['a']?.replicas,
    ).toHaveLength(1);
  });
});

describe('replicas', () => {
  it.each(['[]', ''])('may be none: %j', (entries) => {
    expect(configure(withReplicas(entries)).profiles['a']?.replicas).toEqual([]);
  });

  it('cannot name the same profile twice', () => {
    const text = withReplicas('[{ replica_profile: b, read_priority: 1 }, { replica_profile: b, read_priority: 2 }]');
    expect(briefly(problemsOf(text))).toEqual([`${at(1)}: "b" is a replica of a already, by entry [0]`]);
  });

  it('cannot name the profile itself', () => {
    const text = withReplicas('[{ replica_profile: a, read_priority: 1 }]');
    expect(briefly(problemsOf(text))).toEqual([`${at(0)}: "a" is a itself: a profile is not its own replica`]);
  });

  it('cannot name a profile that does not exist, and the nearest is suggested', () => {
    const text = `${fileProfiles('/data', { lustre: [] })}  a:
    storage_provider: { type: file, options: { base_path: /data/a } }
    replicas: [{ replica_profile: lutsre, read_priority: 1 }, { replica_profile: toString, read_priority: 1 }]
`;
    expect(problemsOf(text)).toEqual([
      expect.objectContaining({
        path: at(0),
        message: '"lutsre" is not the name of a profile',
        remedy: 'did you mean lustre?',
      }),
      expect.objectContaining({
        path: at(1),
        message: '"toString" is not the name of a profile',
        remedy: 'use one of lustre',
      }),
    ]);
  });

  it('cannot have replicas of their own', () => {
    expect(briefly(problemsOf(fileProfiles('/data', { a: ['b'], b: ['c'], c: [] })))).toEqual([
      `${at(0)}: "b" has replicas of its own, and so cannot be a replica of a`,
    ]);
    expect(problemsOf(fileProfiles('/data', { a: ['b'], b: ['a'] })).map(({ path }) => path)).toEqual([
      at(0),
      'profiles.b.replicas[0].replica_profile',
    ]);
  });

  it('may be shared by several profiles in places of their own', () => {
    expect(() => configure(fileProfiles('/data', { a: ['c'], b: ['c'], c: [] }))).not.toThrow();
  });

  it('are checked even where a profile has other problems', () => {
    const text = withReplicas('[{ replica_profile: nope, read_priority: 1 }]').replace('/data/a }', '/data/a, x: 1 }');
    expect(problemsOf(text).map(({ path }) => path)).toEqual(['profiles.a.storage_provider.options.x', at(0)]);
  });
});

describe('places', () => {
  const pair = (a: string, b: string) => `catalog: postgres://db/pando
profiles:
  a:
    storage_provider: ${a}
    replicas: [{ replica_profile: b, read_priority: 1 }]
  b:
    storage_provider: ${b}
`;
  const file = (path: string) => `{ type: file, options: { base_path: ${path} } }`;
  const s3 = (path: string, more = '') => `{ type: s3, options: { base_path: ${path}${more} } }`;
  const endpoint = (url: string) => `, endpoint_url: "${url}"`;

  it.each([
    ['one directory', file('/data/x'), file('/data/x'), 'is the same place as'],
    ['one directory, written otherwise', file('/data/x'), file('/data/./y/..//x/'), 'is the same place as'],
    ['a directory inside the source', file('/data/x'), file('/data/x/copy'), 'lies inside'],
    ['a directory around the source', file('/data/x'), file('/data'), 'contains'],
    ['everything', file('/data/x'), file('/'), 'contains'],
    ['one bucket', s3('bucket'), s3('bucket/'), 'is the same place as'],
    ['a prefix of the bucket', s3('bucket'), s3('bucket/a'), 'lies inside'],
    ['a prefix of the prefix', s3('bucket/a/b'), s3('s3://bucket/a'), 'contains'],
    ['one bucket in two regions', s3('bucket, region: a1'), s3('bucket, region: b2'), 'is the same place as'],
    [
      'one bucket at Amazon by any address',
      s3('bucket'),
      s3('bucket', endpoint('https://s3.eu-west-1.amazonaws.com')),
      'is the same place as',
    ],
    [
      'one endpoint, written otherwise',
      s3('bucket', endpoint('http://LOCALHOST:9000/')),
      s3('bucket', endpoint('http://127.0.0.1:9000')),
      'is the same place as',
    ],
    [
      'one memory',
      '{ type: memory, options: { base_path: m } }',
      '{ type: memory, options: { base_path: m } }',
      'is the same place as',
    ],
  ])('that are %s make no second copy', (_, a, b, relation) => {
    const problems = problemsOf(pair(a, b));
    expect(briefly(problems)).toEqual([
      expect.stringMatching(
        new RegExp(`^profiles\\.a\\.replicas\\[0\\]\\.replica_profile: "b" is no second copy: b .* ${relation} a `),
      ),
    ]);
    expect(problems[0]?.remedy).toBe('give b or a a place of its own');
  });

  it.each([
    ['directories beside each other', file('/data/x'), file('/data/xy')],
    ['prefixes beside each other', s3('bucket/a'), s3('bucket/ab')],
    ['two buckets', s3('bucket'), s3('bucket-2')],
    [
      'one bucket name at two servers',
      s3('bucket', endpoint('http://h:9000')),
      s3('bucket', endpoint('http://h:9001')),
    ],
    ['two partitions of Amazon', s3('bucket'), s3('bucket', endpoint('https://s3.cn-north-1.amazonaws.com.cn'))],
    ['two kinds of store', file('/bucket'), s3('bucket')],
    ['two memories', '{ type: memory }', '{ type: memory }'],
  ])('that are %s are fine', (_, a, b) => {
    expect(() => configure(pair(a, b))).not.toThrow();
  });

  it('are compared after symlinks were followed, also those of a parent that exists', () => {
    const root = temporaryDirectory();
    mkdirSync(join(root, 'real'));
    symlinkSync(join(root, 'real'), join(root, 'link'));
    expect(briefly(problemsOf(pair(file(`${root}/real`), file(`${root}/link`))))[0]).toContain('is the same place as');
    expect(briefly(problemsOf(pair(file(`${root}/real`), file(`${root}/link/not/yet`))))[0]).toContain('lies inside');
  });

  it('of two replicas must differ too', () => {
    const text = `${fileProfiles('/data', { a: ['b', 'c'], b: [] })}  c:
    storage_provider: { type: file, options: { base_path: /data/b/inner } }
`;
    expect(briefly(problemsOf(text))).toEqual([
      expect.stringContaining(`${at(1)}: "c" is no second copy: c (file:///data/b/inner/) lies inside b`),
    ]);
  });

  it('may overlap where neither mirrors the other', () => {
    expect(() =>
      configure(`${fileProfiles('/data', { a: [] })}  all:\n    storage_provider: ${file('/data')}\n`),
    ).not.toThrow();
  });
});
