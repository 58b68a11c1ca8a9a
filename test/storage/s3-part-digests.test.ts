import { afterEach, expect, it, vi } from 'vitest';
import type { PartDigest } from '../../src/storage/s3/part-digest.ts';
import { patternBytes, putObject, readBody } from '../../src/testing/storage-contract/harness.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

// What is quicker differs from machine to machine: here both are used.
const chosen = vi.hoisted((): { digest: PartDigest } => ({ digest: 'sha256' }));
vi.mock(import('../../src/storage/s3/part-digest.ts'), () => ({ quickerDigest: () => chosen.digest }));

const { rgw } = await useRgw();
afterEach(() => {
  chosen.digest = 'sha256';
});

it.each(['sha256', 'md5'] as const)('parts that carry their %s are compared with it by the server', async (digest) => {
  chosen.digest = digest;
  await using storage = await openStore(settingsOf(rgw, await makeBucket(rgw)), { probe: true });
  const bytes = patternBytes(2 * PART_BYTES + 7);
  for (const body of [bytes, chunksOf(bytes)]) {
    expect(await putObject(storage, 'large', body, { size: bytes.length })).toMatchObject({ verification: 'store' });
    expect((await readBody(await storage.get('large'))).equals(bytes)).toBe(true);
  }
});

async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield bytes.subarray(at, at + 100_000);
}
