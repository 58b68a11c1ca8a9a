import type { Tell } from '../ports/telling.ts';
import { StorageMeter } from './with-meter.ts';

/** What is asked of each store, by this process and its workers; counted only where somebody is told of it. */
export class StoreMeters {
  readonly #tell: Tell | undefined;
  readonly #meters = new Map<string, StorageMeter>();

  constructor(tell: Tell | undefined) {
    this.#tell = tell;
  }

  of(place: string): StorageMeter | undefined {
    if (this.#tell === undefined) return undefined;
    const meter = this.#meters.get(place) ?? new StorageMeter();
    this.#meters.set(place, meter);
    return meter;
  }

  /** Tells of each store that was used, and begins anew. */
  tellUse(): void {
    for (const [place, meter] of this.#meters) {
      const { verbs, bytesRead, bytesWritten } = meter.snapshot();
      const used = Object.entries(verbs).filter(([, { calls }]) => calls > 0);
      if (used.length === 0) continue;
      const calls = used.map(([verb, one]) => [verb, one.calls] as const);
      const failures = used.flatMap(([, one]) => Object.values(one.failures)).reduce((sum, count) => sum + count, 0);
      this.#tell?.('store used', { place, ...Object.fromEntries(calls), failures, bytesRead, bytesWritten });
    }
    this.#meters.clear();
  }
}
