import type { PublishRequest, Staged, Storage } from '../ports/storage.ts';

/**
 * A store in a machine whose power may fail: what was published without having been flushed before is lost then. `remembers` outlives the
 * processes that have the store open.
 */
export function withPowerLoss(inner: Storage, remembers: UnflushedKeys): Storage {
  const flushed = new WeakSet<Staged>();
  const wrapped: Partial<Storage> = {
    async flush(staged) {
      await inner.flush(staged);
      for (const one of staged) flushed.add(one);
    },
    async publish(requests: readonly PublishRequest[]) {
      const outcomes = await inner.publish(requests);
      for (const [at, { staged }] of requests.entries()) {
        if (!flushed.has(staged) && !(outcomes[at] instanceof Error)) remembers.add(staged.key);
      }
      return outcomes;
    },
    async flushAll() {
      await inner.flushAll();
      remembers.clear();
    },
  };
  return new Proxy(inner, {
    get: (target, name) => {
      const own: unknown = Reflect.get(wrapped, name);
      if (own !== undefined) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** What a store holds and may forget. */
export class UnflushedKeys {
  readonly #keys = new Set<string>();

  add(key: string): void {
    this.#keys.add(key);
  }

  clear(): void {
    this.#keys.clear();
  }

  /** The power fails: gives what is lost. */
  take(): readonly string[] {
    const lost = [...this.#keys];
    this.#keys.clear();
    return lost;
  }
}
