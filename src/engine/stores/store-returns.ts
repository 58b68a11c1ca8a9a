import type { Clock } from '../../ports/clock.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { StorageError } from '../../ports/storage.ts';
import { askStore } from '../ask-store.ts';
import type { StoreHealth } from '../store-health.ts';
import { OpenQuestions } from './open-questions.ts';
import { PROBE_KEY } from './probe-key.ts';
import { type StoreAccess, type Stores, waysTo } from './store-access.ts';

export interface StoreReturnPorts {
  readonly catalog: Pick<RuleCatalog, 'listFailingStores' | 'hasten'>;
  readonly clock: Clock;
  readonly health: StoreHealth;
  readonly stores: Stores;
  readonly clientSite: string | undefined;
}

const LOOK_EVERY_MS = 60_000;

/**
 * Looks after the stores at which copies failed: one that answers again after it did not is told, and what is stuck on it is tried
 * (docs/states.md, "Stuck"). One that fails copies though it answers gets one such trial; then the growing pauses hold.
 */
export class StoreReturns {
  readonly #ports: StoreReturnPorts;
  readonly #questions: OpenQuestions;
  #lookedMs = Number.NEGATIVE_INFINITY;
  /** Whether they answered when they were last looked at. */
  #seen = new Map<string, boolean>();

  constructor(ports: StoreReturnPorts, questions = new OpenQuestions()) {
    this.#ports = ports;
    this.#questions = questions;
  }

  /** Costs nothing but once a minute. Returns how many locks and rules are tried sooner. */
  async look(signal?: AbortSignal): Promise<number> {
    const { catalog, clock, stores } = this.#ports;
    if (clock.monotonicMs() - this.#lookedMs < LOOK_EVERY_MS) return 0;
    this.#lookedMs = clock.monotonicMs();
    const before = this.#seen;
    this.#seen = new Map();
    let hastened = 0;
    for (const place of await catalog.listFailingStores()) {
      const store = stores.get(place);
      if (store === undefined || signal?.aborted === true) continue;
      const answers = await this.#answers(store, signal);
      this.#seen.set(place, answers);
      if (answers && before.get(place) !== true)
        hastened += await catalog.hasten({ fact: 'store-returned', store: place });
    }
    return hastened;
  }

  async #answers(store: StoreAccess, signal: AbortSignal | undefined): Promise<boolean> {
    const [way] = waysTo(store, 'write', { clientSite: this.#ports.clientSite, fraction: 0 });
    if (way === undefined || this.#questions.has(way.place)) return false;
    try {
      const storage = await way.open();
      const question = { storage, key: PROBE_KEY, deadlineMs: store.deadlineMs, signal };
      await askStore(this.#ports, question, (within) =>
        this.#questions.ask(way.place, () => storage.head(PROBE_KEY, { signal: within })),
      );
    } catch (error) {
      return error instanceof StorageError && error.kind === 'not-found';
    }
    return true;
  }
}
