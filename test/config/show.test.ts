import { describe, expect, it } from 'vitest';
import { adviseOn } from '../../src/config/advice.ts';
import { describeConfiguration, renderConfiguration } from '../../src/config/show.ts';
import { configure, fileProfiles } from './configure.ts';

const TEXT = `
catalog: postgres://pando:TOPSECRET@db/pando?sslpassword=TOPSECRET
profiles:
  b:
    storage_provider: { type: s3, options: { base_path: bucket/p } }
    credentials_provider: { type: S3Credentials, options: { access_key: TOPSECRET, secret_key: TOPSECRET, session_token: TOPSECRET } }
    bandwidth: 10MB/s
    bandwidth_from: { m: 1MB/s }
    site: s1
    aliases: [n1]
    attributes: { T1: true }
    limits: { min_free_space: 1GiB }
    distance: { m: 2 }
    replicas: [{ replica_profile: m, read_priority: 1 }]
  m:
    storage_provider: { type: memory }
`;

describe('the configuration shown', () => {
  it('has every default filled in and every secret masked', () => {
    const shown = renderConfiguration(configure(TEXT));
    expect(shown).not.toContain('TOPSECRET');
    expect(shown).toContain('# The configuration in effect (from /etc/pando/pando.yaml); secrets are shown as ***.');
    expect(describeConfiguration(configure(TEXT))).toEqual({
      catalog: 'postgres://pando:***@db/pando?sslpassword=***',
      profiles: {
        b: {
          storage_provider: {
            type: 's3',
            options: {
              base_path: 'bucket/p',
              region: 'us-east-1',
              path_style: false,
              multipart_threshold: '16MiB',
              part_size: '8MiB',
            },
          },
          credentials_provider: {
            type: 'S3Credentials',
            options: { access_key: '***', secret_key: '***', session_token: '***' },
          },
          replicas: [{ replica_profile: 'm', read_priority: 1 }],
          consistency: 'validated',
          source_changes: 'internal',
          durability: 'strict',
          deadline: '30s',
          retry: { attempts: 5, delay: '200ms' },
          bandwidth: '10MB/s',
          bandwidth_from: { m: '1MB/s' },
          site: 's1',
          kind: 'disk',
          aliases: ['n1'],
          attributes: { T1: true },
          availability: { read: true, write: true, delete: true },
          accepts: { replicate: false },
          limits: { min_free_space: '1GiB' },
          greedy: false,
          distance: { m: 2 },
        },
        m: expect.objectContaining({ storage_provider: { type: 'memory', options: { base_path: 'm' } } }),
      },
    });
  });

  it('is a configuration that means the same, where it has no secrets', () => {
    const configuration = configure(`catalog: sqlite:/c.db\n${fileProfiles('/data', { a: ['b'], b: [] })}`);
    expect(configure(renderConfiguration(configuration))).toEqual(configuration);
  });
});

describe('advice', () => {
  it('names what is allowed and yet worth a second look', () => {
    const external =
      '  x:\n    storage_provider: { type: memory }\n    source_changes: external\n    consistency: any\n';
    expect(adviseOn(configure(`${TEXT}${external}`))).toEqual([
      'b: its replica m is in memory, ends with the process and counts as no copy.',
      'x: with source_changes: external, consistency: any may return an older version than the source has.',
    ]);
    const alone = TEXT.replace(/catalog: .*/, 'catalog: sqlite:/c.db');
    expect(adviseOn(configure(alone))[0]).toContain('b: if other machines write to it too, share a PostgreSQL catalog');
    expect(adviseOn(configure(fileProfiles('/data', { a: ['b'], b: [] })))).toEqual([]);
  });
});
