import {
  type Body,
  type GetOptions,
  type Got,
  type Head,
  type ListOptions,
  type PublishRequest,
  type StageOptions,
  type Storage,
  StorageError,
} from '../../src/ports/storage.ts';

/** What is wrong with a store while it is set. */
export type Fault =
  | { readonly kind: 'none' }
  | { readonly kind: 'down' | 'hangs' | 'denies' }
  /** The body ends with an error after so many bytes. */
  | { readonly kind: 'breaks'; readonly after: number }
  /** The body stalls after so many bytes. */
  | { readonly kind: 'stalls'; readonly after: number }
  /** The body ends quietly, too early or too late. */
  | { readonly kind: 'truncates'; readonly after: number }
  | { readonly kind: 'lengthens' }
  /** One byte is another one, under the same token. */
  | { readonly kind: 'corrupts'; readonly at: number };

/** A store that misbehaves as told, streams in small chunks that it overwrites when asked for the next, and counts requests. */
export class FaultyStore implements Storage {
  fault: Fault = { kind: 'none' };
  readonly requests: string[] = [];
  /** It does not flush what is written to it. */
  soft = false;
  readonly #store: Storage;
  readonly #chunkBytes: number;
  /** Runs before a publish reaches the store. */
  beforePublish: () => Promise<void> = async () => {};

  constructor(store: Storage, chunkBytes: number) {
    this.#store = store;
    this.#chunkBytes = chunkBytes;
  }

  get name() {
    return this.#store.name;
  }

  get place() {
    return this.#store.place;
  }

  get capabilities() {
    return { ...this.#store.capabilities, soft: this.soft };
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    await this.#enter('get', key, options.signal);
    const got = await this.#store.get(key, options);
    const bytes = got.body as Uint8Array;
    return { head: got.head, body: this.#stream(key, bytes, options.span?.start ?? 0, options.signal) };
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    await this.#enter('head', key, options.signal);
    return this.#store.head(key, options);
  }

  async *list(prefix: string, options: ListOptions = {}) {
    await this.#enter('list', prefix, options.signal);
    yield* this.#store.list(prefix, options);
  }

  async delete(key: string, options: { readonly ifToken?: string; readonly signal?: AbortSignal } = {}): Promise<void> {
    await this.#enter('delete', key, options.signal);
    await this.#store.delete(key, options);
  }

  async stage(key: string, body: Body, options: StageOptions) {
    await this.#enter('stage', key, options.signal);
    return this.#store.stage(key, body, options);
  }

  flush(staged: Parameters<Storage['flush']>[0]) {
    return this.#store.flush(staged);
  }

  flushAll() {
    return this.#store.flushAll();
  }

  async publish(requests: readonly PublishRequest[]) {
    await this.beforePublish();
    await this.#enter('publish', requests[0]?.staged.key ?? '', undefined);
    return this.#store.publish(requests);
  }

  discard(staged: Parameters<Storage['discard']>[0]) {
    return this.#store.discard(staged);
  }

  clean() {
    return this.#store.clean();
  }

  lease(claim: Parameters<Storage['lease']>[0]) {
    return this.#store.lease(claim);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }

  async #enter(verb: string, key: string, signal: AbortSignal | undefined): Promise<void> {
    this.requests.push(`${verb} ${key}`);
    const where = { store: this.name, key };
    if (this.fault.kind === 'down') throw new StorageError('unavailable', where, 'connection refused');
    if (this.fault.kind === 'denies') throw new StorageError('denied', where, 'access denied');
    if (this.fault.kind === 'hangs') await hang(where, signal);
  }

  async *#stream(
    key: string,
    bytes: Uint8Array,
    start: number,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Uint8Array> {
    const fault = this.fault;
    const where = { store: this.name, key };
    const buffer = new Uint8Array(this.#chunkBytes);
    const limit = 'after' in fault ? Math.max(0, fault.after - start) : bytes.length;
    let from = 0;
    while (from < Math.min(bytes.length, limit)) {
      const to = Math.min(from + this.#chunkBytes, bytes.length, limit);
      buffer.set(bytes.subarray(from, to));
      if (fault.kind === 'corrupts' && fault.at >= start + from && fault.at < start + to) {
        const at = fault.at - start - from;
        buffer[at] = (buffer[at] ?? 0) ^ 1;
      }
      yield buffer.subarray(0, to - from);
      buffer.fill(0xee);
      from = to;
    }
    if (fault.kind === 'breaks' && limit <= bytes.length)
      throw new StorageError('unavailable', where, 'connection reset');
    if (fault.kind === 'stalls' && limit <= bytes.length) await hang(where, signal);
    if (fault.kind === 'lengthens') yield new Uint8Array([1]);
  }
}

function hang(
  where: { readonly store: string; readonly key: string },
  signal: AbortSignal | undefined,
): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new StorageError('aborted', where, 'aborted'));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
  });
}
