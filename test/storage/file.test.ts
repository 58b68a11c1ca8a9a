import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { describeStorageContract, type StorageUnderTest } from '../../src/testing/storage-contract.ts';

for (const kind of ['waiting', 'blocking', 'relaxed', 'named'] as const) {
  const open = (basePath: string) =>
    openFileStorage({
      name: 'files',
      basePath,
      blocking: kind === 'blocking',
      ...(kind === 'named' ? { unnamedFiles: 0 } : {}),
      durability: kind === 'relaxed' ? 'relaxed' : 'strict',
    });
  describeStorageContract(
    `file (${kind})`,
    async (): Promise<StorageUnderTest> => {
      const basePath = mkdtempSync(join(tmpdir(), 'pando-file-'));
      const storage = open(basePath);
      return {
        storage,
        reopen: async () => open(basePath),
        countLeftovers: async () => countFiles(join(basePath, '.pando', 'staging')),
        async [Symbol.asyncDispose]() {
          await storage[Symbol.asyncDispose]();
          rmSync(basePath, { recursive: true });
        },
      };
    },
    {
      gaps: ['no-object-below-object'],
      partBytes: 1024 * 1024,
      atOnce: kind === 'blocking' && process.platform === 'linux',
      together: kind !== 'blocking',
      openWithoutRoot: async () => open(join(tmpdir(), 'pando-no-such-directory')),
    },
  );
}

function countFiles(directory: string): number {
  mkdirSync(directory, { recursive: true });
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
