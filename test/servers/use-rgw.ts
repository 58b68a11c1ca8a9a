import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll } from 'vitest';
import { bareClient } from '../storage/s3-stores.ts';
import { type RgwServer, startRgw } from './rgw.ts';

/** A gateway for all tests of a file, and a client of theirs beside what is under test; both end with the file. */
export async function useRgw(): Promise<{ readonly rgw: RgwServer; readonly client: S3Client }> {
  const rgw = await startRgw();
  const client = bareClient(rgw);
  afterAll(async () => {
    client.destroy();
    await rgw[Symbol.asyncDispose]();
  });
  return { rgw, client };
}
