import { Worker } from 'node:worker_threads';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { connectCatalog } from './catalog-rpc.ts';
import { systemBoot } from './system-boot.ts';

export type OpenSqlite = {
  readonly path: string;
  /** Names this start of the machine; by default the system's word. */
  readonly boot?: string;
} & (
  | { readonly thread?: true }
  /** In the caller's thread, with time and randomness of the caller: for simulations and fast tests. */
  | {
      readonly thread: false;
      readonly clock?: Clock;
      readonly random?: Random;
      /** Timers and signals of the caller have their turn between calls. */
      readonly yields?: boolean;
    }
);

/**
 * Opens the catalog in the file at `path` (`:memory:`: none), made if absent, brought to this program's schema. It runs in a
 * thread of its own, so no fsync stops the caller's event loop; with `thread: false` an awaiting caller sees only microtasks, unless it `yields`.
 * Fails with `refused-place` on file systems shared by machines, and `too-new` when a newer program wrote it.
 */
export async function openSqliteCatalog(options: OpenSqlite): Promise<Catalog> {
  const { path, boot = systemBoot() } = options;
  if (options.thread === false) {
    const { openSqliteInProcess } = await import('./sqlite-in-process.ts');
    const { systemClock, systemRandom } = await import('./system.ts');
    const { clock = systemClock, random = systemRandom, yields = false } = options;
    return openSqliteInProcess({ path, clock, random, boot, schedule: yields ? setImmediate : queueMicrotask });
  }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const entry = new URL(`./sqlite-thread.${extension}`, import.meta.url);
  return connectCatalog(new Worker(entry, { workerData: { path, boot }, name: 'pando-catalog' }));
}
