import { afterAll, beforeAll, describe } from 'vitest';
import { describeStorageContract } from '../../src/testing/storage-contract.ts';
import type { S3Server } from '../servers/s3-server.ts';
import { startSwift } from '../servers/swift.ts';
import { openStore, PART_BYTES, settingsOf, storeUnderTest } from './s3-stores.ts';

/** A server without conditional writes; its own daily use is rare, so the short run leaves it out. */
describe.runIf(process.env['PANDO_SOAK'] === '1')('Swift', () => {
  let swift: S3Server;
  beforeAll(async () => {
    swift = await startSwift();
  }, 120_000);
  afterAll(async () => {
    await swift?.[Symbol.asyncDispose]();
  });

  describeStorageContract('a bucket of OpenStack Swift', () => storeUnderTest(swift, ''), {
    gaps: ['same-bytes-same-token', 'parts-not-conditional'],
    partBytes: PART_BYTES,
    timeoutMs: 120_000,
    openUnreachable: async () => openStore({ ...settingsOf(swift, 'nowhere'), endpointUrl: 'http://127.0.0.1:9' }),
    openWithoutRoot: async () => openStore(settingsOf(swift, 'there-is-no-such-bucket')),
  });
});
