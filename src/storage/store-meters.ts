import type { Telling } from '../ports/telling.ts';
import { StorageMeter } from './with-meter.ts';

/** What was asked of each store, by this process and its workers; only where somebody is told of it. */
export class StoreMeters {
  readonly #telling: Telling;
  readonly #meters = new Map<string, StorageMeter>();

  constructor(telling: Telling) {
    this.#telling = telling;
  }

  of(place: string): StorageMeter | undefined {
    if (this.#telling.info === undefined) return undefined;
    const meter = this.#meters.get(place) ?? new StorageMeter();
    this.#meters.set(place, meter);
    return meter;
  }

  /** Tells it, and begins anew. */
  tell(): void {
    for (const [place, meter] of this.#meters) {
      const { verbs, bytesRead, bytesWritten } = meter.snapshot();
      const used = Object.entries(verbs).filter(([, { calls }]) => calls > 0);
      if (used.length === 0) continue;
      const calls = used.map(([verb, one]) => [verb, one.calls] as const);
      const failures = used.flatMap(([, one]) => Object.values(one.failures)).reduce((sum, count) => sum + count, 0);
      this.#telling.info?.('store used', { place, ...Object.fromEntries(calls), failures, bytesRead, bytesWritten });
    }
    this.#meters.clear();
  }
}
