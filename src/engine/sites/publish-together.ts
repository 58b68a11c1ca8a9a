import { type Published, type PublishOptions, type Staged, type Storage, StorageError } from '../../ports/storage.ts';

interface Waiting {
  readonly staged: Staged;
  readonly options: PublishOptions;
  readonly resolve: (published: Published) => void;
  readonly reject: (error: unknown) => void;
}

/** Objects that are flushed and published at once, at most. */
const TOGETHER_MAX = 512;

/**
 * Flushes and publishes what many writers staged in one store: those that wait while one flush is under way share the next. Each gets its own
 * answer.
 */
export class PublishTogether {
  readonly #storage: Storage;
  #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** Durable and visible on return. What fails is discarded. */
  publish(staged: Staged, options: PublishOptions): Promise<Published> {
    const { promise, resolve, reject } = Promise.withResolvers<Published>();
    this.#waiting.push({ staged, options, resolve, reject });
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#publish(this.#waiting.splice(0, TOGETHER_MAX));
    this.#isRunning = false;
  }

  async #publish(group: readonly Waiting[]): Promise<void> {
    const staged = group.map((one) => one.staged);
    try {
      await this.#storage.flush(staged);
    } catch (error) {
      await this.#storage.discard(staged).catch(() => undefined);
      for (const { reject } of group) reject(error);
      return;
    }
    try {
      const outcomes = await this.#storage.publish(group);
      for (const [at, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome === undefined) reject(new Error(`${this.#storage.name} gave no answer for what it was to publish`));
        else if (outcome instanceof StorageError) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
