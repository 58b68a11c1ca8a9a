import { createHash, type Hash } from 'node:crypto';
import type { Body } from '../ports/storage.ts';

/** A body that is hashed and counted as it passes. Its hashes are right once the last chunk was taken. */
export class HashingBody {
  readonly body: Body;
  /** What ended it early: the body's own error, however a store that was reading it may have put it. */
  failure: unknown;
  #hash: Hash = createHash('sha256');
  #sha256: string | undefined;
  readonly #md5Hash: Hash | undefined;
  #md5: string | undefined;
  #size = 0;

  constructor(body: Body, { md5 = false }: { readonly md5?: boolean | undefined } = {}) {
    this.#md5Hash = md5 ? createHash('md5') : undefined;
    this.body = body instanceof Uint8Array ? body : this.#pass(body);
    if (body instanceof Uint8Array) this.#take(body);
  }

  get size(): number {
    return this.#size;
  }

  get sha256(): string {
    this.#sha256 ??= this.#hash.digest('hex');
    return this.#sha256;
  }

  /** Undefined unless it was asked for. */
  get md5(): string | undefined {
    this.#md5 ??= this.#md5Hash?.digest('hex');
    return this.#md5;
  }

  /** Takes all of it, for its hash alone. */
  async drain(): Promise<void> {
    if (this.body instanceof Uint8Array) return;
    for await (const _ of this.body);
  }

  #take(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#md5Hash?.update(chunk);
    this.#size += chunk.length;
  }

  async *#pass(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body) {
        this.#take(chunk);
        yield chunk;
      }
    } catch (error) {
      this.failure = error;
      throw error;
    }
  }
}
