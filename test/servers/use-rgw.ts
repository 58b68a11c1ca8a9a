import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll } from 'vitest';
import { bareClient } from '../storage/s3-stores.ts';
import { type RgwServer, startRgw } from './rgw.ts';
import type { S3Server } from './s3-server.ts';
import { openRgw } from './shared.ts';

interface Used<T extends S3Server> {
  readonly rgw: T;
  readonly client: S3Client;
}

/** A gateway for all tests of a file, and a client of theirs beside what is under test; that client ends with the file. */
export const useRgw = (): Promise<Used<S3Server>> => use(openRgw());

/** One that nobody else uses, to be stopped. */
export const useOwnRgw = (): Promise<Used<RgwServer>> => use(startRgw());

async function use<T extends S3Server>(opening: Promise<T>): Promise<Used<T>> {
  const rgw = await opening;
  const client = bareClient(rgw);
  afterAll(async () => {
    client.destroy();
    await rgw[Symbol.asyncDispose]();
  });
  return { rgw, client };
}
