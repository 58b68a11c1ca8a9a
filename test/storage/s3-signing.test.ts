import { describe, expect, it } from 'vitest';
import { objectUrl } from '../../src/storage/s3/object-url.ts';
import { partBytesOf } from '../../src/storage/s3/part-plan.ts';
import { EMPTY_SHA256, encodePath, formatQuery, Signer } from '../../src/storage/s3/signing.ts';
import { decodeMetadata, encodeMetadata, formatSeconds, parseSeconds } from '../../src/storage/s3/object-metadata.ts';
import { fateOf } from '../../src/storage/s3/clean-uploads.ts';
import { settingsOf } from './s3-stores.ts';

describe('signing', () => {
  it('signs the examples of the AWS documentation as they are signed there', () => {
    const credentials = {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    };
    const signer = new Signer('us-east-1');
    const nowMs = Date.UTC(2013, 4, 24);
    const host = 'examplebucket.s3.amazonaws.com';
    const get = {
      method: 'GET',
      path: '/test.txt',
      query: {},
      headers: { host, range: 'bytes=0-9' },
      payload: EMPTY_SHA256,
    };
    expect(signer.sign(get, credentials, nowMs)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, ' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
    const list = {
      method: 'GET',
      path: '/',
      query: { prefix: 'J', 'max-keys': '2' },
      headers: { host },
      payload: EMPTY_SHA256,
    };
    expect(signer.sign(list, credentials, nowMs)['authorization']).toContain(
      'Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it('encodes what a path or a query may not hold', () => {
    expect(encodePath("a b/ä+(c)*'!~")).toBe('a%20b/%C3%A4%2B%28c%29%2A%27%21~');
    expect(formatQuery({ uploadId: '2~x/y=', partNumber: '1' })).toBe('partNumber=1&uploadId=2~x%2Fy%3D');
  });

  it('sends the token of temporary credentials, signed', () => {
    const request = { method: 'GET', path: '/', query: {}, headers: { host: 'h' }, payload: EMPTY_SHA256 };
    const headers = new Signer('r').sign(request, { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' }, 0);
    expect(headers['x-amz-security-token']).toBe('t');
    expect(headers['authorization']).toContain('x-amz-security-token');
  });
});

describe('the URL of a bucket', () => {
  const server = { endpoint: 'http://host:9000/base', port: 1, accessKey: '', secretKey: '' };
  const settings = settingsOf({ ...server, [Symbol.asyncDispose]: async () => {} }, 'bucket');
  it.for([
    [{}, 'http://host:9000/base/bucket/'],
    [{ pathStyle: false }, 'http://bucket.host:9000/base/'],
    [{ pathStyle: false, endpointUrl: undefined, region: 'eu-west-1' }, 'https://bucket.s3.eu-west-1.amazonaws.com/'],
    [
      { pathStyle: false, endpointUrl: undefined, region: 'cn-north-1' },
      'https://bucket.s3.cn-north-1.amazonaws.com.cn/',
    ],
    [
      { pathStyle: false, endpointUrl: undefined, bucket: 'dotted.name' },
      'https://s3.us-east-1.amazonaws.com/dotted.name/',
    ],
  ] as const)('%j is %s', ([other, url]) => {
    expect(objectUrl({ ...settings, ...other }).href).toBe(url);
  });
});

describe('the size of parts', () => {
  it('is as asked for, but never below what S3 takes', () => {
    expect(partBytesOf(1, { partBytes: 16 * 2 ** 20, size: 2 ** 30 })).toBe(16 * 2 ** 20);
    expect(partBytesOf(1, { partBytes: 1, size: 2 ** 30 })).toBe(5 * 2 ** 20);
  });

  it('grows with the object so that 10,000 parts hold it', () => {
    for (const size of [160 * 2 ** 30, 2 ** 40, 5 * 2 ** 40]) {
      const bytes = partBytesOf(1, { partBytes: 16 * 2 ** 20, size });
      expect(bytes * 10_000).toBeGreaterThanOrEqual(size);
      expect(partBytesOf(9999, { partBytes: 16 * 2 ** 20, size })).toBe(bytes);
    }
  });

  it('grows with the number where the length is not known, up to a limit', () => {
    const settings = { partBytes: 16 * 2 ** 20, size: undefined };
    expect([1, 1000, 1001, 2001, 9999].map((number) => partBytesOf(number, settings) / 2 ** 20)).toEqual([
      16, 16, 32, 64, 512,
    ]);
  });
});

describe('metadata', () => {
  it.for([0n, 1n, -1n, 1_500_000_000n, -1_500_000_001n, 1_234_567_890_123_456_789n])(
    'a time of %s ns comes back',
    (ns) => {
      expect(parseSeconds(formatSeconds(ns))).toBe(ns);
    },
  );

  it('that is not Pando’s is read as far as it can be', () => {
    const raw = { mtime: 'yesterday', 'pando-mode': '99', 'pando-metadata': '{"not": "pairs"}', plain: 'x' };
    expect(decodeMetadata(raw, 'binary/octet-stream')).toEqual({
      attributes: { metadata: { plain: 'x' } },
      mark: undefined,
      markBeside: undefined,
    });
  });

  it('names of the language are only names', () => {
    const metadata = Object.fromEntries([['__proto__', 'a'] as const]);
    const raw = encodeMetadata({ metadata }, { operation: 'o', sha256: undefined });
    expect(Object.entries(decodeMetadata(raw, undefined).attributes.metadata ?? {})).toEqual([['__proto__', 'a']]);
  });
});

describe('the fate of a registered upload', () => {
  const gone = { host: 'here', pid: 2 ** 22 + 1, startedMs: 0 };
  const upload = { uploadId: 'u', key: 'k', mark: 'm', process: gone };
  const resumable = { ...upload, identity: 'i' };
  const foreign = { ...gone, host: 'there' };
  const ours = { ...gone, pid: process.pid };
  const another = { ...gone, pid: process.ppid };
  const day = 24 * 3600_000;
  it.for([
    ['of a dead process here: ended at once', upload, 0, false, 'ended'],
    ['of a process that lives: left', { ...upload, process: another }, 99 * day, true, 'left'],
    ['of another host, after a day: ended', { ...upload, process: foreign }, day, false, 'ended'],
    ['of another host, not before: left', { ...upload, process: foreign }, day - 1, true, 'left'],
    ['that may be gone on with: kept', resumable, 7 * day - 1, false, 'kept'],
    ['that may be gone on with, after a week: ended', resumable, 7 * day, false, 'ended'],
    ['that may be gone on with, its object finished: ended', { ...resumable, process: foreign }, 0, true, 'ended'],
    [
      'that was never answered: ended, there is nothing to go on with',
      { ...resumable, uploadId: undefined },
      0,
      false,
      'ended',
    ],
    ['of our own, under way: left', { ...resumable, process: ours }, 0, false, 'left'],
    ['of our own that failed, its object finished since: ended', { ...resumable, process: ours }, 0, true, 'ended'],
    ['of our own that is no sync’s: left', { ...upload, process: ours }, 0, true, 'left'],
    ['of another process that may be gone on with: left', { ...resumable, process: another }, 0, true, 'left'],
  ] as const)('%s', ([, given, ageMs, isFinished, expected]) => {
    expect(fateOf(given, { ageMs, host: 'here', isFinished })).toBe(expected);
  });
});
