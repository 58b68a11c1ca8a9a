import { expect, test } from 'vitest';
import { S3Failure, toStorageError } from '../../src/storage/s3/errors.ts';
import type { S3Credentials } from '../../src/storage/s3/s3-settings.ts';
import { expectKind } from '../../src/testing/storage-contract/harness.ts';
import { openStore } from './s3-stores.ts';

test.each([
  [
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match',
    /the secret key does not fit this access key: /,
  ],
  ['InvalidAccessKeyId', '', /the server does not know this access key: /],
  ['ExpiredToken', '', /the session has ended: /],
  ['AccessDenied', 'Access Denied.', /these credentials may not do this, or are wrong: /],
  [
    'AccessDenied',
    'User: u is not authorized to perform: s3:ListBucket',
    /is not authorized to perform: s3:ListBucket/,
  ],
  ['RequestTimeTooSkewed', '', /the clocks of this machine and the server differ too much: /],
])('%s is told with its kind, and with what to do', (code, said, words) => {
  const { kind, message } = toStorageError(new S3Failure(code, 403, said, 'r1'), { store: 'data' });
  expect(kind).toBe('denied');
  expect(message).toMatch(new RegExp(`^data: denied: ${code}: .*\\(403, request r1\\)$`));
  expect(message).toMatch(words);
});

test('an AWS profile without credentials is named, whoever chose it', async () => {
  const refusal = async (profile: string | undefined, env: Record<string, string>) => {
    const before = { ...process.env };
    Object.assign(process.env, { AWS_EC2_METADATA_DISABLED: 'true', HOME: '/nonexistent', ...env });
    try {
      const credentials: S3Credentials = { kind: 'chain', profile };
      await using store = await openStore({
        bucket: 'b',
        prefix: '',
        region: 'us-east-1',
        endpointUrl: 'http://127.0.0.1:9',
        pathStyle: true,
        credentials,
        multipartThreshold: 1,
        partBytes: 1,
      });
      const errors = [
        await expectKind(store.head('a'), 'denied'),
        await expectKind(Array.fromAsync(store.list('')), 'denied'),
      ];
      return errors.map(({ message }) => message);
    } finally {
      process.env = before;
    }
  };
  for (const message of [...(await refusal('mine', {})), ...(await refusal(undefined, { AWS_PROFILE: 'mine' }))])
    expect(message).toMatch(
      /denied: CredentialsProviderError: the AWS profile mine has no credentials: .*aws configure --profile mine/,
    );
  for (const message of await refusal(undefined, {}))
    expect(message).toMatch(/denied: CredentialsProviderError: no AWS credentials were found: .*AWS_ACCESS_KEY_ID/);
});
