import { StorageError } from '../../ports/storage.ts';

interface Waiting<In, Out> {
  readonly one: In;
  readonly resolve: (out: Out) => void;
  readonly reject: (error: unknown) => void;
}

/** Done at once, at most. */
const TOGETHER_MAX = 512;

/**
 * Does for many at once what costs as much for one: those that come while one group is under way are the next. Each gets an answer of its own,
 * and all of a group fail with what `act` throws.
 */
export class Together<In, Out> {
  readonly #act: (group: readonly In[]) => Promise<readonly (Out | StorageError)[]>;
  #waiting: Waiting<In, Out>[] = [];
  #isRunning = false;

  /** `act` has one answer for each, in order. */
  constructor(act: (group: readonly In[]) => Promise<readonly (Out | StorageError)[]>) {
    this.#act = act;
  }

  add(one: In): Promise<Out> {
    const { promise, resolve, reject } = Promise.withResolvers<Out>();
    this.#waiting.push({ one, resolve, reject });
    if (!this.#isRunning) void this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) await this.#answer(this.#waiting.splice(0, TOGETHER_MAX));
    this.#isRunning = false;
  }

  async #answer(group: readonly Waiting<In, Out>[]): Promise<void> {
    try {
      const outcomes = await this.#act(group.map(({ one }) => one));
      for (const [at, { resolve, reject }] of group.entries()) {
        const outcome = outcomes[at];
        if (outcome === undefined) reject(new Error('a store gave no answer for what it was to keep'));
        else if (outcome instanceof StorageError) reject(outcome);
        else resolve(outcome);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }
}
