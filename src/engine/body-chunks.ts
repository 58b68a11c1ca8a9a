import type { Body } from '../ports/storage.ts';
import type { Deadline } from './deadline.ts';

/** A body chunk by chunk, each under the deadline; closed exactly once. A chunk is the reader's until it asks for the next. */
export class BodyChunks {
  readonly #iterator: AsyncIterator<Uint8Array> | Iterator<Uint8Array>;
  readonly #deadline: Deadline;
  #open = true;

  constructor(body: Body, deadline: Deadline) {
    this.#iterator = body instanceof Uint8Array ? [body].values() : body[Symbol.asyncIterator]();
    this.#deadline = deadline;
  }

  /** The next chunk that is not empty; undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const step = await this.#deadline.within(async () => await this.#iterator.next());
      if (step.done === true) {
        this.#open = false;
        return undefined;
      }
      if (step.value.length > 0) return step.value;
    }
  }

  /** Frees what the body holds. One that hangs is not waited for, and how it ends interests nobody any more. */
  close(): void {
    if (this.#open) void Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    this.#open = false;
    this.#deadline[Symbol.dispose]();
  }
}
