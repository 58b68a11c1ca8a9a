import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openWebdavStorage, type WebdavSettings } from '../../src/storage/webdav/webdav-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { describeStorageContract, type StorageUnderTest } from '../../src/testing/storage-contract.ts';
import { startApache } from '../servers/apache.ts';

const apache = await startApache();
afterAll(() => apache[Symbol.asyncDispose]());

const PART_BYTES = 1024 * 1024;

function open(path: string, other: Partial<WebdavSettings> = {}) {
  const { user, password } = apache;
  const url = `${apache.url}${path}/`;
  const settings = { url, login: { kind: 'basic', user, password }, flushes: false, ...other } as const;
  const [clock, random] = [systemClock, systemRandom];
  return openWebdavStorage({ name: 'web', place: url, settings, clock, random, smallBytesMax: PART_BYTES });
}

describeStorageContract(
  'WebDAV of Apache',
  async (): Promise<StorageUnderTest> => {
    const root = apache.makeRoot();
    const storage = open(root);
    return {
      storage,
      reopen: async () => open(root),
      countLeftovers: async () => countFiles(join(apache.data, root, '.pando', 'staging')),
      [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
    };
  },
  {
    gaps: ['no-object-below-object', 'no-flush'],
    partBytes: PART_BYTES,
    openUnreachable: async () => open('', { url: 'http://127.0.0.1:9/' }),
    openDenied: async () => open(apache.makeRoot(), { login: { kind: 'basic', user: 'dav', password: 'wrong' } }),
    openWithoutRoot: async () => open('there-is-no-such-collection'),
  },
);

function countFiles(directory: string): number {
  if (!existsSync(directory)) return 0;
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
