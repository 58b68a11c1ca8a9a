import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DeleteBucketCommand, PutBucketVersioningCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { compareKeys } from '../../src/domain/object/key.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { expectKind, listAll, patternBytes, putObject } from '../../src/testing/storage-contract/harness.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, settingsOf } from './s3-stores.ts';

const { rgw, client } = await useRgw();

describe('S3 objects', { timeout: 60_000 }, () => {
  let bucket: string;
  let storage: Storage;
  beforeEach(async () => {
    bucket = await makeBucket(rgw);
    storage = await openStore(settingsOf(rgw, bucket), { probe: true });
  });
  afterEach(async () => {
    await storage[Symbol.asyncDispose]();
  });

  it('keep their time to the nanosecond, in the convention of rclone, and their mode', async () => {
    const attributes = { modifiedNs: 1_234_567_890_123_456_789n, mode: 0o751 };
    await putObject(storage, 'a', patternBytes(3), { attributes });
    const head = await storage.head('a');
    expect(head.modifiedNs).toBe(attributes.modifiedNs);
    expect(head.attributes).toMatchObject(attributes);
    await putObject(storage, 'old', patternBytes(3), { attributes: { modifiedNs: -1_500_000_001n } });
    expect((await storage.head('old')).modifiedNs).toBe(-1_500_000_001n);
  });

  it('of others are read with their time, type and metadata, and no mark', async () => {
    const Metadata = { mtime: '1600000000.5', colour: 'red', name: '=?UTF-8?B?w6Q=?= and =?UTF-8?Q?=C3=B6_x?=' };
    await client.send(
      new PutObjectCommand({ Bucket: bucket, Key: 'a', Body: 'x', Metadata, ContentType: 'text/plain' }),
    );
    const head = await storage.head('a');
    expect(head.mark).toBeUndefined();
    expect(head.attributes).toEqual({
      contentType: 'text/plain',
      metadata: { colour: 'red', name: 'ä and ö x' },
      modifiedNs: 1_600_000_000_500_000_000n,
    });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'b', Body: 'x' }));
    expect((await storage.head('b')).modifiedNs).toBeTypeOf('bigint');
  });

  it('are listed in the order compareKeys gives, however strange their names', async () => {
    const names = [
      '\ufffd',
      '\u{1f600}',
      '\u{10000}',
      '\ue000',
      '\ud7ff',
      'a',
      'a/b',
      'a-b',
      'a b',
      'ä',
      'Z',
      '~',
      '%',
      '+',
    ];
    for (const name of names) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: 'x' }));
    }
    expect((await listAll(storage, '')).keys).toEqual(names.toSorted(compareKeys));
  });

  it('keep one token in a versioned bucket, and a deleted one is not found', async () => {
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await client.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }));
    const { token } = await putObject(storage, 'a', patternBytes(10));
    expect((await storage.head('a')).token).toBe(token);
    expect((await listAll(storage, '')).objects[0]?.token).toBe(token);
    await storage.delete('a', { ifToken: token });
    await expectKind(storage.head('a'), 'not-found');
    expect((await listAll(storage, '')).keys).toEqual([]);
  });

  it('are denied to a wrong secret, in words without the secret', async () => {
    const credentials = {
      kind: 'static',
      accessKey: 'testkey',
      secretKey: 'a-wrong-secret',
      sessionToken: undefined,
    } as const;
    const denied = await openStore({ ...settingsOf(rgw, bucket), credentials });
    const error = await expectKind(denied.get('a'), 'denied');
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(
      'a-wrong-secret',
    );
    expect(error.message).toContain('SignatureDoesNotMatch');
    await denied[Symbol.asyncDispose]();
  });

  it('are reached with the credentials of a shared file, by profile', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'pando-s3-test-')), 'credentials');
    writeFileSync(
      file,
      `[of-the-test]\naws_access_key_id = ${rgw.accessKey}\naws_secret_access_key = ${rgw.secretKey}\n`,
    );
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file);
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    try {
      const credentials = { kind: 'chain', profile: 'of-the-test' } as const;
      await using shared = await openStore({ ...settingsOf(rgw, bucket), credentials });
      await putObject(shared, 'a', patternBytes(3));
      expect((await listAll(shared, '')).keys).toEqual(['a']);
    } finally {
      vi.unstubAllEnvs();
      rmSync(dirname(file), { recursive: true });
    }
  });

  it('cannot be said to be missing when the bucket is', async () => {
    const other = await makeBucket(rgw);
    const gone = await openStore(settingsOf(rgw, other));
    await client.send(new DeleteBucketCommand({ Bucket: other }));
    const calls = [
      () => gone.get('a'),
      () => gone.head('a'),
      () => gone.delete('a'),
      () => gone.delete('a', { ifToken: 'x' }),
    ];
    for (const call of calls) {
      const error = await expectKind(call(), 'unavailable');
      expect(error.message).toContain('does not exist');
    }
    expect((await expectKind(listAll(gone, ''), 'not-found')).message).toContain(other);
    await gone[Symbol.asyncDispose]();
  });
});
