import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import type { Profile } from './config/configuration.ts';
import { copyPage } from './engine/sync/copy-page.ts';
import { readPage } from './engine/verify/read-page.ts';
import { openPaces } from './open-bandwidths.ts';
import { openStorage, type OpenStore, type WorkerInit } from './open-storage.ts';
import { StorageMeter } from './storage/with-meter.ts';
import type { Storage } from './ports/storage.ts';
import { systemClock } from './system/system-clock.ts';
import type { CopyCommand } from './transfer-tools/copy-messages.ts';
import { serveCopies, type WorkerChannel } from './transfer-tools/serve-copies.ts';

/** Small objects are read into slices of blocks this large: one allocation for hundreds of them. */
const READ_BLOCK_BYTES = 1024 * 1024;
Buffer.poolSize = READ_BLOCK_BYTES;

/** Entry of a copy worker, as a thread or as a process: opens its stores itself and carries out pages. */
async function serve(channel: WorkerChannel, init: WorkerInit): Promise<void> {
  const onRetry = ({ message }: Error, attempt: number): void => channel.send({ kind: 'retried', message, attempt });
  const meters: StorageMeter[] = [];
  const openStore = ({ profile, open }: { profile: Profile; open: OpenStore }): Promise<Storage> => {
    const meter = init.isMetered ? new StorageMeter() : undefined;
    if (meter !== undefined) meters.push(meter);
    return openStorage(profile, open, { onRetry, meter });
  };
  const source = await openStore(init.source);
  const targets = await Promise.all(init.targets.map(openStore));
  const stores = [source, ...targets];
  const pace = openPaces(systemClock, init.paces);
  const deps = { clock: systemClock, pace, itemsAtOnce: init.itemsAtOnce };
  const buffers: Buffer[] = [];
  serveCopies(
    channel,
    {
      copy: (page, guards) => copyPage({ ...deps, source, targets, buffers, ...guards }, page),
      read: (page, guards) => readPage({ ...deps, stores, ...guards }, page),
    },
    async () => {
      for (const storage of stores) await storage[Symbol.asyncDispose]();
      if (init.isMetered) channel.send({ kind: 'metered', counts: meters.map((meter) => meter.snapshot()) });
    },
  );
}

const port = parentPort;
if (!isMainThread && port !== null) {
  const channel: WorkerChannel = {
    send: (answer) => port.postMessage(answer),
    onCommand: (receive) => port.on('message', receive),
    close: () => port.close(),
  };
  await serve(channel, workerData as WorkerInit);
} else if (process.send !== undefined) serveProcess();

/** A pool that is gone has nobody to carry out pages for; an interrupt at the terminal is the pool's to handle. */
function serveProcess(): void {
  process.on('disconnect', () => process.exit(0));
  process.on('SIGINT', () => undefined);
  // A process that ends takes with it what it has not sent yet.
  let unsent = 0;
  let closing = false;
  const leave = (): void => {
    if (closing && unsent === 0) process.exit(0);
  };
  const early: CopyCommand[] = [];
  let receive = (command: CopyCommand): void => void early.push(command);
  process.on('message', (message: CopyCommand | { readonly kind: 'init'; readonly init: WorkerInit }) => {
    if (message.kind !== 'init') return receive(message);
    const channel: WorkerChannel = {
      send(answer) {
        unsent++;
        process.send?.(answer, undefined, undefined, () => {
          unsent--;
          leave();
        });
      },
      onCommand(handle) {
        receive = handle;
        for (const command of early.splice(0)) handle(command);
      },
      close() {
        closing = true;
        leave();
      },
    };
    void serve(channel, message.init);
  });
}
