import { parentPort } from 'node:worker_threads';
import { serveCatalog } from './catalog-rpc.ts';
import { openSqliteInProcess } from './sqlite-in-process.ts';
import { systemClock, systemRandom } from './system.ts';

/** The first message to the thread; those after it are calls. */
export interface SqliteThreadInit {
  readonly path: string;
  /** Names this start of the machine. */
  readonly boot: string;
}

/**
 * Entry of the catalog's thread. A turn of work begins after all messages that have arrived were taken in, so calls made
 * while the disk was busy share the next commit.
 */
if (parentPort === null) throw new Error('this file is the entry of a worker thread');

const port = parentPort;
port.once('message', (init: SqliteThreadInit) => {
  serveCatalog(port, () =>
    openSqliteInProcess({
      ...init,
      clock: systemClock,
      random: systemRandom,
      schedule: (turn) => setImmediate(turn),
    }),
  );
});
