import type { Clock } from '../../ports/clock.ts';
import type { ReplicaKey } from '../../ports/rules.ts';

/** Until what had to stay is looked at again: each look asks other stores. */
const HELD_MS = 60_000;

/**
 * Released copies that would go and have to stay, as the last good ones or in use. They keep nobody behind them waiting, up to the number
 * that a catalog lists at once.
 */
export class HeldReleases {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  /** When each is looked at again, by store. */
  readonly #until = new Map<string, Map<string, number>>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  hold(copy: ReplicaKey): void {
    const here = this.#until.get(copy.store) ?? new Map<string, number>();
    this.#until.set(copy.store, here.set(keyOf(copy), this.#clock.monotonicMs() + HELD_MS));
  }

  /** How many are held at a store now. */
  countAt(store: string): number {
    const here = this.#until.get(store);
    if (here === undefined) return 0;
    const nowMs = this.#clock.monotonicMs();
    for (const [key, untilMs] of here) if (untilMs <= nowMs) here.delete(key);
    return here.size;
  }

  has(copy: ReplicaKey): boolean {
    return (this.#until.get(copy.store)?.get(keyOf(copy)) ?? 0) > this.#clock.monotonicMs();
  }
}

function keyOf({ scope, name, versionId }: ReplicaKey): string {
  return `${versionId} ${scope}:${name}`;
}
