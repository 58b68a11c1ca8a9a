import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeFts, describeTransferToolContract, type TransferStore } from '../../src/testing/index.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { type Fts3Tool, openFts3Tool } from '../../src/transfer-tools/fts3/fts3-tool.ts';
import { Gate } from './gate.ts';
import { openLocal } from './open-local.ts';

const names = ['near', 'far', 'destination'] as const;

function memoryStores(): Storage[] {
  return names.map((name) => openMemoryStorage({ name, clock: systemClock }));
}

function withoutUrls(storage: Storage): TransferStore {
  return { storage, urlOf: () => undefined };
}

async function closeAll(stores: readonly AsyncDisposable[]): Promise<void> {
  for (const store of stores) await store[Symbol.asyncDispose]();
}

describeTransferToolContract(
  'local, between memory stores',
  async () => {
    const stores = memoryStores();
    const gate = new Gate();
    const gated = stores.map((one) => gate.before(one));
    const tool = openLocal(gated);
    const [near, far, destination] = stores.map(withoutUrls) as [TransferStore, TransferStore, TransferStore];
    return {
      tool,
      near,
      far,
      destination,
      reopen: async () => openLocal(gated),
      hold: () => gate.shut(),
      release: () => gate.open(),
      [Symbol.asyncDispose]: () => closeAll([tool, ...stores]),
    };
  },
  { pushes: true },
);

describeTransferToolContract(
  'local, between directories, every copy read again',
  async () => {
    const root = mkdtempSync(join(tmpdir(), 'pando-transfers-'));
    const stores = names.map((name) => {
      const path = join(root, name);
      mkdirSync(path);
      return openFileStorage({ name, basePath: path });
    });
    const gate = new Gate();
    const gated = stores.map((one) => gate.before(one));
    const tool = openLocal(gated, { readBack: true });
    const [near, far, destination] = stores.map(withoutUrls) as [TransferStore, TransferStore, TransferStore];
    return {
      tool,
      near,
      far,
      destination,
      reopen: async () => openLocal(gated, { readBack: true }),
      hold: () => gate.shut(),
      release: () => gate.open(),
      [Symbol.asyncDispose]: async () => {
        await closeAll([tool, ...stores]);
        await rm(root, { recursive: true, force: true });
      },
    };
  },
  { pushes: true, largeBytes: 9 * 1024 * 1024 },
);

describeTransferToolContract(
  'fts3',
  async () => {
    const stores = memoryStores();
    const urlOf = (name: string): string => `https://${name}.example.org/data/`;
    const named = stores.map(
      (storage): TransferStore => ({
        storage,
        urlOf: (key) => urlOf(storage.name) + key.split('/').map(encodeURIComponent).join('/'),
      }),
    );
    const [near, far, destination] = named as [TransferStore, TransferStore, TransferStore];
    const fake = await FakeFts.open({ stores: stores.map((storage) => ({ storage, url: urlOf(storage.name) })) });
    const open = async (): Promise<Fts3Tool> => {
      const tool = await openFts3Tool({ endpoint: fake.endpoint });
      fake.onMessage((message) => tool.receive(message));
      return tool;
    };
    const tool = await open();
    return {
      tool,
      near,
      far,
      destination,
      reopen: open,
      hold: () => {
        fake.faults.hold = true;
      },
      release: () => fake.release(),
      [Symbol.asyncDispose]: () => closeAll([tool, fake, ...stores]),
    };
  },
  { pushes: true },
);
