import { parentPort, workerData } from 'node:worker_threads';
import { serveCatalog } from './catalog-rpc.ts';
import { openSqliteInProcess } from './sqlite-in-process.ts';
import { systemClock, systemRandom } from './system.ts';

/**
 * Entry of the catalog's thread. A turn of work begins after all messages that have arrived were taken in, so calls made
 * while the disk was busy share the next commit.
 */
if (parentPort === null) throw new Error('this file is the entry of a worker thread');

serveCatalog(parentPort, () =>
  openSqliteInProcess({
    ...(workerData as { path: string; boot: string }),
    clock: systemClock,
    random: systemRandom,
    schedule: (turn) => setImmediate(turn),
  }),
);
