import { describe, expect, it } from 'vitest';
import { loadConfiguration } from '../../src/config/load.ts';
import { ONE, briefly, configure, errorOf, problemsOf, surroundingsOf } from './configure.ts';

describe('an endpoint in the environment', () => {
  const environment = { AWS_ENDPOINT_URL: 'https://u:TOPSECRET@h' };
  it('that is broken is a problem where a store relies on it', () => {
    const error = errorOf(() =>
      configure('profiles: { b: { storage_provider: { type: s3, options: { base_path: bucket } } } }', environment),
    );
    expect(briefly(error.problems)).toEqual([
      'AWS_ENDPOINT_URL: AWS_ENDPOINT_URL is not an endpoint: it has credentials in it',
    ]);
    expect(() => configure(ONE, environment)).not.toThrow();
  });
});

describe('environment variables', () => {
  const of = (path: string, environment: Record<string, string> = {}) =>
    configure(
      `profiles:\n  a:\n    storage_provider: { type: memory, options: { base_path: ${JSON.stringify(path)} } }\n`,
      environment,
    ).profiles['a']?.storage;

  it('are expanded once, anywhere in a text', () => {
    expect(of('x-${A}-${B}', { A: '1', B: '${A}' })).toMatchObject({ name: 'x-1-${A}' });
  });

  it('are expanded in lists, and in sections inside of them', () => {
    const text = `${ONE}    aliases: ["\${A}"]
    replicas: [{ replica_profile: "\${B}", read_priority: 1 }]
  near:
    storage_provider: { type: memory }
`;
    expect(configure(text, { A: 'urn:node:KNB', B: 'near' }).profiles['data']).toMatchObject({
      replicas: [{ profile: 'near' }],
      traits: { aliases: ['urn:node:KNB'] },
    });
    expect(briefly(problemsOf(text, { A: 'urn:node:KNB' }))).toEqual([
      'profiles.data.replicas[0].replica_profile: "${B}" needs the environment variable B, which is not set',
    ]);
  });

  it('leave a doubled dollar sign as one, and a lone one alone', () => {
    expect(of('$${A} $$ $x $')).toMatchObject({ name: '${A} $ $x $' });
  });

  it('cannot add structure', () => {
    expect(of('${A}', { A: '{ x: 1 }\n"y"' })).toMatchObject({ name: '{ x: 1 }\n"y"' });
  });

  it('that are not set are problems, each with its name, and the only one of their value', () => {
    const problems = problemsOf(
      'profiles:\n  b:\n    storage_provider:\n      type: s3\n      options:\n        base_path: ${BUCKET}/${PREFIX}\n        region: ${toString}\n',
    );
    expect(briefly(problems)).toEqual([
      'profiles.b.storage_provider.options.base_path: base_path needs the environment variable BUCKET, which is not set',
      'profiles.b.storage_provider.options.region: region needs the environment variable toString, which is not set',
    ]);
    expect(problems[0]).toMatchObject({ line: 6, column: 20, remedy: expect.stringContaining('export BUCKET=') });
  });

  it.each(['${', '${A', '${}', '${A B}', '${A:-x}'])('%s is no reference', (text) => {
    expect(() => of(text, { A: '1' })).toThrow(/does not begin the name of a variable/);
  });
});

describe('secrets', () => {
  const environment = { S: 'TOPSECRET', N: 'TOPSECRET' };
  it.each([
    'profiles: { a: { credentials_provider: TOPSECRET } }',
    'profiles: { a: { credentials_provider: { type: S3Credentials, options: { access_key: [TOPSECRET], secret_kee: TOPSECRET } } } }',
    'profiles: { a: { credentials_provider: { type: S3Credentials, options: TOPSECRET } } }',
    'profiles: { a: { storage_provider: { type: s3, options: { base_path: "s3://KEY:TOPSECRET@bucket", endpoint_url: "https://u:TOPSECRET@h" } } } }',
    'catalog: mysql://u:TOPSECRET@h/d',
    'catalog: "postgres://u:TOPSECRET@h:notaport/d"',
    'catalog: { url: TOPSECRET }',
    'profiles: { a: { deadline: "${S}", consistency: "${S}", concurrency: "${N}", replicas: [{ replica_profile: "${S}", read_priority: "${N}" }] } }',
    'profiles: { a: { storage_provider: { type: "${S}" } } }',
    'profiles: { a: { credentials_provider: { type: AWSProfile, options: { profile: 1, x: TOPSECRET } } } }',
  ])('never appear in a problem: %s', (text) => {
    const error = errorOf(() => configure(text, environment));
    expect(`${error.message}${error.stack}${JSON.stringify(error.problems)}`).not.toContain('TOPSECRET');
  });

  const bucket = 'storage_provider: { type: s3, options: { base_path: bucket } }';
  it.each([
    `${bucket}, credentials_provider: { type: S3Credentials, options: { access_key: 20240607, secret_key: s } }`,
    `${bucket}, credentials_provider: { type: S3Credentials, options: { access_key: a, secret_key: 20240607 } }`,
    `${bucket}, credentials_provider: { type: S3Credentials, options: { access_key: a, secret_key: s, session_token: 20240607 } }`,
    'storage_provider: { type: webdav, options: { url: "https://h", user: u, password: 20240607 } }',
    'storage_provider: { type: webdav, options: { url: "https://h", token: 20240607 } }',
    'storage_provider: { type: sftp, options: { host: h, user: u, base_path: /p, password: 20240607 } }',
    'storage_provider: { type: sftp, options: { host: h, user: u, base_path: /p, key_file: k, passphrase: 20240607 } }',
  ])('written as a number never appear either: %s', (keys) => {
    const error = errorOf(() => configure(`profiles: { b: { ${keys} } }`));
    expect(error.message).toContain('must be text, and is a number');
    expect(`${error.message}${error.stack}${JSON.stringify(error.problems)}`).not.toContain('20240607');
  });

  it('of PANDO_CATALOG never appear either', () => {
    const surroundings = surroundingsOf({ PANDO_CATALOG: 'mysql://u:TOPSECRET@h/d' });
    const error = errorOf(() => loadConfiguration({ surroundings }));
    expect(error.problems).toMatchObject([{ path: 'PANDO_CATALOG', file: undefined }]);
    expect(error.message).not.toContain('TOPSECRET');
  });
});
