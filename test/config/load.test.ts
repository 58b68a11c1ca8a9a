import { PLAIN_TRAITS } from '../../src/domain/store/store-traits.ts';
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../src/config/find-profile.ts';
import { ONE, configure } from './configure.ts';

/** The published example of a source with two replicas. */
const EXAMPLE = `
profiles:
  my-dataset:
    storage_provider:
      type: s3
      options:
        base_path: my-dataset-bucket
    # Configure two replicas
    replicas:
      - replica_profile: my-dataset-s3-express
        read_priority: 1   # First choice
      - replica_profile: my-dataset-lustre
        read_priority: 2   # Second choice and so on...

  my-dataset-s3-express:
    storage_provider:
      type: s3
      options:
        base_path: my-dataset-bucket--x-s3

  my-dataset-lustre:
    storage_provider:
      type: file
      options:
        base_path: /lustre/datasets/my-dataset
`;

const EVERYTHING_FIRST = { read: 0, write: 0, delete: 0 };

describe('a configuration', () => {
  it('reads the published example as it stands', () => {
    const { profiles, file } = configure(EXAMPLE);
    expect(file).toBe('/etc/pando/pando.yaml');
    expect(Object.keys(profiles)).toEqual(['my-dataset', 'my-dataset-s3-express', 'my-dataset-lustre']);
    expect(profiles['my-dataset']).toEqual({
      name: 'my-dataset',
      storage: {
        type: 's3',
        bucket: 'my-dataset-bucket',
        prefix: '',
        region: 'us-east-1',
        endpointUrl: undefined,
        pathStyle: false,
        credentials: { kind: 'chain', profile: undefined },
        multipartThreshold: 16 * 1024 ** 2,
        partBytes: 8 * 1024 ** 2,
      },
      replicas: [
        { profile: 'my-dataset-s3-express', readPriority: 1 },
        { profile: 'my-dataset-lustre', readPriority: 2 },
      ],
      consistency: 'validated',
      sourceChanges: 'internal',
      durability: 'strict',
      deadlineMs: 30_000,
      retry: { attemptsMax: 5, delayMs: 200 },
      concurrency: undefined,
      bandwidth: undefined,
      bandwidthFrom: {},
      traits: PLAIN_TRAITS,
      domains: { lan: EVERYTHING_FIRST, wan: EVERYTHING_FIRST },
      protocols: [],
      pathAlgorithm: undefined,
    });
    expect(profiles['my-dataset-lustre']?.storage).toEqual({ type: 'file', basePath: '/lustre/datasets/my-dataset' });
  });

  it.each([
    ['percentages', 'production: 70%, default: 30%', [70, 30]],
    ['parts of a percent', 'production: 99.5%, default: 0.5%', [99.5, 0.5]],
    ['weights', 'production: 7, default: "3"', [7, 3]],
  ])('reads shares of activities as %s', (_what, said, [production, others]) => {
    expect(configure(`${ONE}activities: { ${said} }`).activities).toEqual([
      { activity: 'production', weight: production },
      { activity: 'default', weight: others },
    ]);
  });

  it('reads every key', () => {
    const { profiles, catalog } = configure(
      `
catalog: postgres://pando:\${DB}@db/pando
profiles:
  all:
    storage_provider:
      type: s3
      options:
        base_path: bucket/some/prefix/
        region_name: eu-west-1
        endpoint_url: http://127.0.0.1:9000/
        path_style: false
        multipart_threshold: 100MB
        part_size: 8MiB
    credentials_provider:
      type: S3Credentials
      options: { access_key: "\${KEY}", secret_key: "\${SECRET}", session_token: t }
    consistency: any
    source_changes: external
    durability: relaxed
    deadline: 5
    retry: { attempts: 2, delay: 100ms }
    concurrency: \${N}
    bandwidth: 10MB/s
    bandwidth_from: { near: 1MB/s }
    site: CERN-PROD
    kind: tape
    aliases: ["urn:node:KNB"]
    attributes: { country: ch, tier: 1, T1: TRUE, old: "False" }
    availability: { write: false }
    accepts: { replicate: true, max_object_size: 500MB, allowed_node: ["urn:node:KNB"] }
    limits: { max_space: 10TB, min_free_space: 1TiB, incoming: 8, outgoing: 4, incoming_from: { near: 2 } }
    greedy: true
    away_after: 3d
    distance: { other: 3, far: none }
    relay: 10
    paths: { algorithm: naming }
    domains: { lan: { read: 1, write: 0, delete: null } }
    protocols:
      - storage_provider: { type: file, options: { base_path: /mnt/all } }
      - name: mirror
        storage_provider: { type: file, options: { base_path: /mnt/mirror } }
        domains: { lan: { read: 0 }, wan: { read: 0 } }
  near:
    storage_provider: { type: memory }
`,
      { DB: 'pw', KEY: 'k', SECRET: 's$$s', N: '8' },
    );
    expect(catalog).toEqual({ kind: 'postgres', url: 'postgres://pando:pw@db/pando' });
    expect(profiles['all']).toEqual({
      name: 'all',
      storage: {
        type: 's3',
        bucket: 'bucket',
        prefix: 'some/prefix/',
        region: 'eu-west-1',
        endpointUrl: 'http://127.0.0.1:9000',
        pathStyle: false,
        credentials: { kind: 'static', accessKey: 'k', secretKey: 's$$s', sessionToken: 't' },
        multipartThreshold: 100_000_000,
        partBytes: 8 * 1024 ** 2,
      },
      replicas: [],
      consistency: 'any',
      sourceChanges: 'external',
      durability: 'relaxed',
      deadlineMs: 5000,
      retry: { attemptsMax: 2, delayMs: 100 },
      concurrency: 8,
      bandwidth: 10_000_000,
      bandwidthFrom: { near: 1_000_000 },
      traits: {
        site: 'CERN-PROD',
        kind: 'tape',
        aliases: ['urn:node:KNB'],
        attributes: { country: 'ch', tier: 1, T1: true, old: false },
        availability: { read: true, write: false, delete: true },
        accepts: {
          replicate: true,
          maxObjectBytes: 500_000_000,
          allowedNodes: ['urn:node:KNB'],
          allowedFormats: [],
        },
        spaceMaxBytes: 10e12,
        freeBytesMin: 1024 ** 4,
        transfers: { incomingMax: 8, outgoingMax: 4, incomingFrom: { near: 2 } },
        greedy: true,
        awayAfterMs: 3 * 24 * 3_600_000,
        distances: { other: 3, far: 'none' },
        relayCost: 10,
      },
      domains: { lan: { read: 1, write: 0, delete: null }, wan: EVERYTHING_FIRST },
      protocols: [
        {
          name: 'file',
          storage: { type: 'file', basePath: '/mnt/all' },
          domains: { lan: { read: 1, write: 1, delete: 1 }, wan: { read: 1, write: 1, delete: 1 } },
        },
        {
          name: 'mirror',
          storage: { type: 'file', basePath: '/mnt/mirror' },
          domains: { lan: { read: 0, write: null, delete: null }, wan: { read: 0, write: null, delete: null } },
        },
      ],
      pathAlgorithm: 'naming',
    });
  });

  it('knows where this machine stands, and the environment knows better', () => {
    expect(configure(`site: LYON\n${ONE}`).site).toBe('LYON');
    expect(configure(`site: LYON\n${ONE}`, { PANDO_SITE: 'GENEVA' }).site).toBe('GENEVA');
    expect(configure(ONE).site).toBeUndefined();
  });

  it('reads JSON', () => {
    const json = JSON.stringify({ profiles: { m: { storage_provider: { type: 'memory' } } } }, null, '\t');
    expect(configure(json).profiles['m']?.storage).toEqual({ type: 'memory', name: 'm' });
  });

  it('asks the source first where others write to it, unless it says otherwise', () => {
    expect(configure(`${ONE}    source_changes: external\n`).profiles['data']?.consistency).toBe('current');
    expect(configure(`${ONE}    source_changes: external\n    consistency: any\n`).profiles['data']?.consistency).toBe(
      'any',
    );
  });

  it('takes what an s3 profile leaves out from the AWS environment', () => {
    const text = 'profiles: { b: { storage_provider: { type: s3, options: { base_path: bucket } } } }';
    const storage = configure(text, { AWS_ENDPOINT_URL: 'http://rgw:9400/', AWS_REGION: 'site-a' }).profiles['b']
      ?.storage;
    expect(storage).toMatchObject({ endpointUrl: 'http://rgw:9400', region: 'site-a', pathStyle: true });
    const ignoring = { AWS_ENDPOINT_URL: 'http://rgw:9400', AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' };
    expect(configure(text, ignoring).profiles['b']?.storage).toMatchObject({
      endpointUrl: undefined,
      pathStyle: false,
    });
  });

  it('takes credentials from a named profile of the AWS files', () => {
    const text =
      'profiles:\n  b:\n    storage_provider: { type: s3, options: { base_path: bucket } }\n' +
      '    credentials_provider: { type: AWSProfile, options: { profile: research } }\n';
    expect(configure(text).profiles['b']?.storage).toMatchObject({
      credentials: { kind: 'chain', profile: 'research' },
    });
  });

  it('resolves a relative path from the directory of the file, and ~ from home', () => {
    const of = (path: string) => configure(ONE.replace('/data', path)).profiles['data']?.storage;
    expect(of('./copy')).toEqual({ type: 'file', basePath: '/etc/pando/copy' });
    expect(of('~/copy')).toEqual({ type: 'file', basePath: '/home/someone/copy' });
  });

  it.each(['', '# nothing\n', 'profiles:\n', 'profiles: {}\n', '{}'])('may be empty: %j', (text) => {
    expect(Object.keys(configure(text).profiles)).toEqual([]);
  });

  it('is looked up by name without falling for what every object has', () => {
    const copy = structuredClone(configure(ONE));
    expect(findProfile(copy, 'constructor')).toBeUndefined();
    expect(findProfile(copy, 'data')?.name).toBe('data');
  });
});
