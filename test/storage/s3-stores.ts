import { CreateBucketCommand, ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Storage } from '../../src/ports/storage.ts';
import { openS3Storage, type S3Settings, type S3StorageOptions } from '../../src/storage/s3/s3-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import type { StorageUnderTest } from '../../src/testing/storage-contract.ts';
import { newBucketName, type S3Server } from '../servers/s3-server.ts';

/** The smallest part S3 takes. */
export const PART_BYTES = 5 * 1024 * 1024;

/** A client of the test's own, beside the one under test. */
export function bareClient(server: S3Server): S3Client {
  return new S3Client({
    endpoint: server.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
}

export async function makeBucket(server: S3Server): Promise<string> {
  const bucket = newBucketName();
  const client = bareClient(server);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

export function settingsOf(server: S3Server, bucket: string, other: Partial<S3Settings> = {}): S3Settings {
  return {
    bucket,
    prefix: '',
    region: 'us-east-1',
    endpointUrl: server.endpoint,
    pathStyle: true,
    credentials: { kind: 'static', accessKey: server.accessKey, secretKey: server.secretKey, sessionToken: undefined },
    multipartThreshold: PART_BYTES,
    partBytes: PART_BYTES,
    ...other,
  };
}

export async function openStore(settings: S3Settings, other: Partial<S3StorageOptions> = {}): Promise<Storage> {
  const place = `${settings.endpointUrl}/${settings.bucket}/${settings.prefix}`;
  const retry = { attemptsMax: 3, delayMs: 20 };
  return openS3Storage({ name: 'store', place, settings, clock: systemClock, random: systemRandom, retry, ...other });
}

/** A fresh bucket, opened for the contract. */
export async function storeUnderTest(server: S3Server, prefix: string): Promise<StorageUnderTest> {
  const bucket = await makeBucket(server);
  const settings = settingsOf(server, bucket, { prefix });
  const open = () => openStore(settings, { probe: true });
  const storage = await open();
  const client = bareClient(server);
  return {
    storage,
    reopen: open,
    countLeftovers: async () => {
      const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
      const registered = await client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: `${prefix}.pando/uploads/` }),
      );
      return (Uploads ?? []).length + (registered.Contents ?? []).length;
    },
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      await storage[Symbol.asyncDispose]();
    },
  };
}
