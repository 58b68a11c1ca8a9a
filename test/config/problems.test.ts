import { describe, expect, it } from 'vitest';
import { ONE, briefly, configure, errorOf, problemsOf } from './configure.ts';

describe('problems', () => {
  it('are all reported at once, each with its place, in the order of the file', () => {
    const problems = problemsOf(`catalog: mysql:x
profils: {}
profiles:
  a:
    storage_provider: { type: file, options: { base_pth: /a } }
    deadline: soon
    replicas:
      - { replica_profile: b, read_priority: 0 }
  admin:
    storage_provider: { type: memory }
`);
    expect(problems.map(({ path, line, column }) => [path, line, column])).toEqual([
      ['catalog', 1, 10],
      ['profils', 2, 1],
      ['profiles.a.storage_provider.options.base_path', 5, 37],
      ['profiles.a.storage_provider.options.base_pth', 5, 48],
      ['profiles.a.deadline', 6, 15],
      ['profiles.a.replicas[0].replica_profile', 8, 28],
      ['profiles.a.replicas[0].read_priority', 8, 46],
      ['profiles.admin', 9, 3],
    ]);
    for (const problem of problems)
      expect(problem).toMatchObject({ file: '/etc/pando/pando.yaml', remedy: expect.stringMatching(/\w/) });
  });

  it('show no control characters of names in the file', () => {
    const { message } = errorOf(() =>
      configure('profiles: { "a\\e[31mb\\nc": {}, "d\\e": 1, "d\\e": 2 }\n"x\\e": 1\n'),
    );
    expect(message).not.toContain('\u001b');
    expect(message).toContain('a\\u001b[31mb\\u000ac cannot be the name of a profile');
  });

  it('make one readable message', () => {
    const { message } = errorOf(() => configure(`${ONE}    dedline: 5s\n`));
    expect(message).toBe(
      'The configuration has one problem:\n' +
        '  /etc/pando/pando.yaml:4:5  profiles.data.dedline\n' +
        '    dedline is not a key that Pando knows here\n' +
        '    → did you mean deadline?',
    );
  });

  it.each([
    [
      'warehouses: {}',
      'warehouses',
      'use one of catalog, site, administrators, default_policy, activities, transfer_tools, profiles, server, replication',
    ],
    ['profile: {}', 'profile', 'did you mean profiles?'],
    ['servers: {}', 'servers', 'did you mean server?'],
    [`${ONE}    replica: []`, 'profiles.data.replica', 'did you mean replicas?'],
    [`${ONE}    retry: { attempt: 3 }`, 'profiles.data.retry.attempt', 'did you mean attempts?'],
    [
      ONE.replace('base_path', 'basepath'),
      'profiles.data.storage_provider.options.basepath',
      'did you mean base_path?',
    ],
    [ONE.replace('type: file', 'tpye: file, type: file'), 'profiles.data.storage_provider.tpye', 'did you mean type?'],
    [ONE.replace('type: file', 'type: flie'), 'profiles.data.storage_provider.type', 'did you mean file?'],
    [`${ONE}    consistency: curent`, 'profiles.data.consistency', 'did you mean current?'],
  ])('an unknown word in %j has a suggestion', (text, path, remedy) => {
    expect(problemsOf(text)).toContainEqual(expect.objectContaining({ path, remedy }));
  });

  it.each([
    ['a list of profiles', 'profiles: [a]', 'profiles: profiles must be a section with a key for each profile'],
    ['a list at the top', '- a', ': the file must be a section with keys of its own'],
    ['an empty profile', 'profiles: { a: }', 'profiles.a: a has no value'],
    ['no storage provider', 'profiles: { a: {} }', 'profiles.a.storage_provider: storage_provider has no value'],
    [
      'a storage provider that is text',
      'profiles: { a: { storage_provider: s3 } }',
      'profiles.a.storage_provider: storage_provider must be a section with keys of its own',
    ],
    [
      'no type',
      'profiles: { a: { storage_provider: { options: {} } } }',
      'profiles.a.storage_provider.type: "type" has no value'.replace('"type"', 'type'),
    ],
    [
      'no options',
      'profiles: { a: { storage_provider: { type: s3 } } }',
      'profiles.a.storage_provider.options: options has no value',
    ],
    ['replicas that are no list', `${ONE}    replicas: { a: 1 }`, 'profiles.data.replicas: replicas must be a list'],
    [
      'a replica that is text',
      `${ONE}    replicas: [b]`,
      'profiles.data.replicas[0]: entry [0] must be a section with keys of its own',
    ],
    [
      'a key written twice',
      `${ONE}    deadline: 1\n    deadline: 2`,
      'profiles.data.deadline: deadline is written twice, first on line 4',
    ],
    [
      'a number where text belongs',
      ONE.replace('/data', '2024'),
      'profiles.data.storage_provider.options.base_path: base_path must be text, and is a number',
    ],
    ['a deadline that is too short', `${ONE}    deadline: 1ms`, 'profiles.data.deadline: "1ms" is less than 10ms'],
    ['a deadline that is too long', `${ONE}    deadline: 30d`, 'profiles.data.deadline: "30d" is more than 1d'],
    [
      'attributes that are text',
      `${ONE}    attributes: T1`,
      'profiles.data.attributes: attributes must be a section with keys of its own',
    ],
    [
      'an attribute that is a list',
      `${ONE}    attributes: { country: [ch] }`,
      'profiles.data.attributes.country: country must be text, a number, true or false',
    ],
    [
      'an acceptance with a key nobody knows',
      `${ONE}    accepts: { replicat: true }`,
      'profiles.data.accepts.replicat: replicat is not a key that Pando knows here',
    ],
    ['a kind nobody knows', `${ONE}    kind: paper`, 'profiles.data.kind: "paper" must be one of disk, tape'],
    ['a limit of nothing', `${ONE}    limits: { max_space: 0 }`, 'profiles.data.limits.max_space: 0 is less than 1MiB'],
    ['an absence of no time', `${ONE}    away_after: 0s`, 'profiles.data.away_after: "0s" is less than 1s'],
    [
      'a limit of no transfers',
      `${ONE}    limits: { incoming: 0 }`,
      'profiles.data.limits.incoming: incoming must be a whole number from 1 to 100000',
    ],
    [
      'a limit of what comes from nowhere',
      `${ONE}    limits: { incoming_from: { nera: 2 } }\n  near:\n    storage_provider: { type: memory }`,
      'profiles.data.limits.incoming_from.nera: nera is not the name of a profile',
    ],
    [
      'a limit of what comes from the store itself',
      `${ONE}    limits: { incoming_from: { data: 2 } }`,
      'profiles.data.limits.incoming_from.data: data is data itself',
    ],
    [
      'a bandwidth of what comes from nowhere',
      `${ONE}    bandwidth_from: { nera: 2MB/s }\n  near:\n    storage_provider: { type: memory }`,
      'profiles.data.bandwidth_from.nera: nera is not the name of a profile',
    ],
    [
      'a bandwidth of what comes from elsewhere that is none',
      `${ONE}    bandwidth_from: { near: fast }\n  near:\n    storage_provider: { type: memory }`,
      'profiles.data.bandwidth_from.near: near is not a rate: write a number of bytes, or a number with a unit such as 10M, 1TB or 16MiB',
    ],
    [
      'shares that are no section',
      `${ONE}activities: 70%`,
      'activities: activities must be a section with a share for each',
    ],
    [
      'a share of nothing',
      `${ONE}activities: { production: 0, default: 1 }`,
      'activities.production: production must be a whole number from 1 to 1000000, or a percentage',
    ],
    [
      'shares of which none is for the others',
      `${ONE}activities: { production: 70% }`,
      'activities: activities has no share for default: all activities that are not named here',
    ],
    [
      'shares in percent that make more than all',
      `${ONE}activities: { production: 70%, default: 40% }`,
      'activities: activities makes 110% in all, and not 100%',
    ],
    [
      'percentages beside weights',
      `${ONE}activities: { production: 70%, default: 3 }`,
      'activities: activities has percentages and weights, which cannot be compared',
    ],
    [
      'a distance of 0',
      `${ONE}    distance: { b: 0 }`,
      'profiles.data.distance.b: b must be a whole number from 1 to 1000',
    ],
    [
      'a priority below 0',
      `${ONE}    domains: { lan: { read: -1 } }`,
      'profiles.data.domains.lan.read: -1 must be a whole number or null',
    ],
    [
      'an operation nobody knows',
      `${ONE}    domains: { lan: { put: 1 } }`,
      'profiles.data.domains.lan.put: put is not a key that Pando knows here',
    ],
    [
      'two protocols of one name',
      `${ONE}    protocols: [{ storage_provider: { type: file, options: { base_path: /other } } }, { name: file, storage_provider: { type: memory } }]`,
      'profiles.data.protocols[1]: entry [1] is called file, and so is another protocol of this store',
    ],
    [
      'a path algorithm nobody knows',
      `${ONE}    paths: { algorithm: hsah }`,
      'profiles.data.paths.algorithm: "hsah" is not a path algorithm',
    ],
    [
      'paths that are not told by the name, though they are',
      `${ONE}    deterministic: false`,
      'profiles.data.deterministic: false does not go with paths that the name alone tells',
    ],
    [
      'paths that are told by the name, though they are not',
      `${ONE}    deterministic: true\n    paths: { algorithm: dataset }`,
      'profiles.data.deterministic: true does not go with paths that the dataset tells',
    ],
    [
      'no attempts',
      `${ONE}    retry: { attempts: 0 }`,
      'profiles.data.retry.attempts: 0 must be a whole number from 1 to 100',
    ],
    [
      'no concurrency',
      `${ONE}    concurrency: 0`,
      'profiles.data.concurrency: 0 must be a whole number from 1 to 10000',
    ],
    [
      'no bandwidth',
      `${ONE}    bandwidth: 0`,
      'profiles.data.bandwidth: 0 is not a rate: it is 0, and nothing would ever move',
    ],
    [
      'credentials of a directory',
      `${ONE}    credentials_provider: { type: AWSProfile, options: { profile: p } }`,
      'profiles.data.credentials_provider: credentials_provider belongs to stores of type s3, and this one is of type file',
    ],
  ])('%s', (_, text, expected) => {
    expect(briefly(problemsOf(text))).toContain(expected);
  });

  const s3 = (options: string) => `profiles: { b: { storage_provider: { type: s3, options: { ${options} } } } }`;
  it.each([
    ['base_path: ab', 'base_path', 'does not begin with the name of a bucket'],
    ['base_path: /bucket', 'base_path', 'does not begin with the name of a bucket'],
    ['base_path: bucket/a//b', 'base_path', 'empty segment'],
    ['base_path: bucket/../b', 'base_path', '. or .. segment'],
    ['base_path: bucket, endpoint_url: s3.example.com', 'endpoint_url', 'does not begin with http://'],
    ['base_path: bucket, endpoint_url: "https://"', 'endpoint_url', 'not a URL'],
    ['base_path: bucket, endpoint_url: "https://h/?x=1"', 'endpoint_url', '? or #'],
    ['base_path: bucket, part_size: 1MiB', 'part_size', 'less than 5MiB'],
    ['base_path: bucket, multipart_threshold: 6GiB', 'multipart_threshold', 'more than 5GiB'],
    ['base_path: bucket, path_style: maybe', 'path_style', 'true or false'],
    ['base_path: bucket, region: a, region_name: b', 'region_name', 'says again'],
  ])('of a store in S3 with %s', (options, key, message) => {
    expect(problemsOf(s3(options))).toEqual([
      expect.objectContaining({
        path: `profiles.b.storage_provider.options.${key}`,
        message: expect.stringContaining(message),
      }),
    ]);
  });

  it.each([
    '_hidden',
    '.dot',
    'a b',
    'a/b',
    'a:b',
    'é',
    'x'.repeat(64),
    '""',
    'admin',
    'metadata',
    'metrics',
    'openapi.json',
    'favicon.ico',
    '__proto__',
  ])('a profile cannot be called %s', (name) => {
    const [problem, ...others] = problemsOf(`profiles:\n  ${name}:\n    storage_provider: { type: memory }\n`);
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ line: 2, message: expect.stringContaining('cannot be the name of a profile') });
  });

  it.each(['a', 'A.b_c-9', '2024', '1.10', 'constructor', 'x'.repeat(63)])('a profile can be called %s', (name) => {
    expect(Object.keys(configure(`profiles:\n  ${name}:\n    storage_provider: { type: memory }\n`).profiles)).toEqual([
      name,
    ]);
  });
});

describe('a key written twice', () => {
  it('is reported with everything else', () => {
    expect(briefly(problemsOf(`${ONE}    deadline: 1\n    deadline: 2\n    x: 1\n`))).toEqual([
      'profiles.data.deadline: deadline is written twice, first on line 4',
      'profiles.data.x: x is not a key that Pando knows here',
    ]);
  });
});
