import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openWebdavStorage, type WebdavSettings } from '../../src/storage/webdav/webdav-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';
import { describeStorageContract, type StorageUnderTest } from '../../src/testing/storage-contract.ts';
import { startApache } from '../servers/apache.ts';
import { until } from '../servers/daemon.ts';

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

/** Of a PUT that broke off, Apache removes what it had written of it as soon as it takes notice. */
async function countFiles(directory: string): Promise<number> {
  await until('Apache tidies up', 10, async () => listFiles(directory).every((name) => !name.startsWith('.davfs.tmp')));
  return listFiles(directory).length;
}

function listFiles(directory: string): string[] {
  if (!existsSync(directory)) return [];
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
