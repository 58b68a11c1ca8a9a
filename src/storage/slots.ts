/** A number of slots, and a queue before them: first come, first served. */
export class Slots {
  readonly #count: number;
  readonly #queueMax: number;
  #taken = 0;
  readonly #queue: { enter(): void }[] = [];

  constructor(count: number, queueMax: number) {
    this.#count = count;
    this.#queueMax = queueMax;
  }

  /** A slot, as the function that gives it back; undefined when too many wait already. Rejects with the signal's reason. */
  take(signal?: AbortSignal): Promise<() => void> | undefined {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#taken < this.#count) {
      this.#taken++;
      return Promise.resolve(this.#releaser());
    }
    if (this.#queue.length >= this.#queueMax) return undefined;
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiter), 1);
        reject(signal?.reason);
      };
      const waiter = {
        enter: () => {
          signal?.removeEventListener('abort', abort);
          resolve(this.#releaser());
        },
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#queue.push(waiter);
    });
  }

  #releaser(): () => void {
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#queue.shift();
      if (next === undefined) this.#taken--;
      else next.enter();
    };
  }
}
