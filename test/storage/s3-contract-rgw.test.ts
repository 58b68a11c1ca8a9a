import { describeStorageContract } from '../../src/testing/storage-contract.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf, storeUnderTest } from './s3-stores.ts';

const { rgw } = await useRgw();

for (const [name, prefix] of [
  ['a bucket of Ceph RGW', ''],
  ['a prefix in a bucket of Ceph RGW', 'some/präfix with + and space/'],
] as const) {
  describeStorageContract(name, () => storeUnderTest(rgw, prefix), {
    gaps: ['same-bytes-same-token', 'parts-not-conditional'],
    partBytes: PART_BYTES,
    keyBytesMax: 1024 - Buffer.byteLength(prefix),
    openUnreachable: async () => openStore({ ...settingsOf(rgw, 'nowhere'), endpointUrl: 'http://127.0.0.1:9' }),
    openWithoutRoot: async () => openStore(settingsOf(rgw, 'there-is-no-such-bucket')),
    openDenied: async () => {
      const settings = settingsOf(rgw, await makeBucket(rgw));
      const credentials = {
        kind: 'static',
        accessKey: 'testkey',
        secretKey: 'wrong',
        sessionToken: undefined,
      } as const;
      return openStore({ ...settings, credentials });
    },
  });
}
