import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openSftpStorage, type SftpSettings } from '../../src/storage/sftp/sftp-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { describeStorageContract, type StorageUnderTest } from '../../src/testing/storage-contract.ts';
import { startSshd } from '../servers/sshd.ts';

const sshd = await startSshd();
afterAll(() => sshd[Symbol.asyncDispose]());

const open = (settings: SftpSettings) =>
  openSftpStorage({ name: 'far', place: `sftp://${settings.path}/`, settings, clock: systemClock });

describeStorageContract(
  'SFTP of OpenSSH',
  async (): Promise<StorageUnderTest> => {
    const root = sshd.makeRoot();
    const storage = open(sshd.settings(root));
    return {
      storage,
      reopen: async () => open(sshd.settings(root)),
      countLeftovers: async () => countFiles(join(root, '.pando', 'staging')),
      [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
    };
  },
  {
    gaps: ['no-object-below-object', 'no-times-before-1970'],
    openUnreachable: async () => open({ ...sshd.settings('/'), port: 9 }),
    openDenied: async () =>
      open(sshd.settings('/', { login: { kind: 'key', file: sshd.strangeKeyFile, passphrase: undefined } })),
    openWithoutRoot: async () => open(sshd.settings(join(sshd.data, 'there-is-no-such-directory'))),
  },
);

function countFiles(directory: string): number {
  mkdirSync(directory, { recursive: true });
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length;
}
