import {
  type Body,
  type CleanOptions,
  type Got,
  type GetOptions,
  type ListingPage,
  type ListOptions,
  type Storage,
  StorageError,
  type StorageErrorKind,
} from '../ports/storage.ts';

export type FaultyVerb = 'get' | 'head' | 'list' | 'delete' | 'stage' | 'flush' | 'flushAll' | 'publish' | 'lease';

/** What goes wrong now. Absent: nothing. */
export interface Faults {
  /** Every verb fails so; or only these verbs. */
  fail?: { readonly kind: StorageErrorKind; readonly verbs?: readonly FaultyVerb[]; times?: number };
  /** These verbs never answer, until their signal aborts. */
  hang?: readonly FaultyVerb[];
  /** Bodies fail with `unavailable` after so many bytes. */
  breakBodyAt?: number;
  /** Bodies end after so many bytes as if that were all. */
  truncateBodyAt?: number;
  /** Bodies go on with these bytes after their last one. */
  extendBody?: Uint8Array;
  /** The byte at this offset is another. */
  corruptBodyAt?: number;
  /** Of what is staged the byte at this offset becomes another; length and what the writer is told stay as they are. */
  corruptStagedAt?: number;
  /** Bodies stand still after so many bytes, until the signal aborts. */
  hangBodyAt?: number;
  /** Bytes given in place of the stored ones, by key: an older version, say. Head and token stay. */
  otherBytes?: ReadonlyMap<string, Uint8Array>;
  /** Listings fail with `unavailable` after so many objects. */
  breakListingAfter?: number;
  /** Listings give each page backwards. */
  unsortedListing?: boolean;
}

/** Bytes to a chunk, so that a fault can lie between chunks. */
const CHUNK_BYTES = 1024;

/** A store in which things go wrong as `faults` says at the moment; change it at any time. */
export class FaultyStorage implements Storage {
  readonly inner: Storage;
  faults: Faults = {};
  /** Calls that reached this store, also those that failed. */
  readonly calls: Record<FaultyVerb, number> = {
    get: 0,
    head: 0,
    list: 0,
    delete: 0,
    stage: 0,
    flush: 0,
    flushAll: 0,
    publish: 0,
    lease: 0,
  };

  constructor(inner: Storage) {
    this.inner = inner;
  }

  get name(): string {
    return this.inner.name;
  }

  get place(): string {
    return this.inner.place;
  }

  get capabilities(): Storage['capabilities'] {
    return this.inner.capabilities;
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    await this.#begin('get', key, options.signal);
    const got = await this.inner.get(key, options);
    const other = this.faults.otherBytes?.get(key);
    const body =
      other === undefined ? got.body : other.subarray(options.span?.start ?? 0, options.span?.end ?? other.length);
    return { head: got.head, body: this.#faultyBody(key, body, options.signal) };
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): ReturnType<Storage['head']> {
    await this.#begin('head', key, options.signal);
    return this.inner.head(key, options);
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListingPage> {
    await this.#begin('list', undefined, options.signal);
    const { breakListingAfter = Number.POSITIVE_INFINITY, unsortedListing } = this.faults;
    let told = 0;
    for await (const page of this.inner.list(prefix, options)) {
      const objects = page.objects.slice(0, Math.max(0, breakListingAfter - told));
      told += page.objects.length;
      yield { ...page, objects: unsortedListing === true ? objects.toReversed() : objects };
      if (told >= breakListingAfter) throw new StorageError('unavailable', { store: this.name }, 'the listing broke');
    }
  }

  async delete(key: string, options: Parameters<Storage['delete']>[1] = {}): Promise<void> {
    await this.#begin('delete', key, options.signal);
    return this.inner.delete(key, options);
  }

  async stage(key: string, body: Body, options: Parameters<Storage['stage']>[2]): ReturnType<Storage['stage']> {
    await this.#begin('stage', key, options.signal);
    const { corruptStagedAt } = this.faults;
    return this.inner.stage(key, corruptStagedAt === undefined ? body : corrupted(body, corruptStagedAt), options);
  }

  async flush(staged: Parameters<Storage['flush']>[0]): Promise<void> {
    await this.#begin('flush');
    return this.inner.flush(staged);
  }

  async flushAll(): Promise<void> {
    await this.#begin('flushAll');
    return this.inner.flushAll();
  }

  async publish(requests: Parameters<Storage['publish']>[0]): ReturnType<Storage['publish']> {
    try {
      await this.#begin('publish');
    } catch (error) {
      await this.inner.discard(requests.map(({ staged }) => staged));
      return requests.map(() => error as StorageError);
    }
    return this.inner.publish(requests);
  }

  async discard(staged: Parameters<Storage['discard']>[0]): Promise<void> {
    return this.inner.discard(staged);
  }

  async clean(options?: CleanOptions): Promise<number> {
    return this.inner.clean(options);
  }

  async lease(claim: Parameters<Storage['lease']>[0]): ReturnType<Storage['lease']> {
    await this.#begin('lease');
    return this.inner.lease(claim);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.inner[Symbol.asyncDispose]();
  }

  async #begin(verb: FaultyVerb, key?: string, signal?: AbortSignal): Promise<void> {
    this.calls[verb]++;
    const where = { store: this.name, ...(key === undefined ? {} : { key }) };
    const { fail, hang } = this.faults;
    if (hang?.includes(verb) === true) await untilAborted(where, signal);
    if (fail === undefined || fail.verbs?.includes(verb) === false || fail.times === 0) return;
    if (fail.times !== undefined) fail.times--;
    throw new StorageError(fail.kind, where, 'it was made to fail');
  }

  #faultyBody(key: string, body: Body, signal: AbortSignal | undefined): Body {
    const { breakBodyAt, truncateBodyAt, extendBody, corruptBodyAt, hangBodyAt } = this.faults;
    const isSound = [breakBodyAt, truncateBodyAt, extendBody, corruptBodyAt, hangBodyAt].every(
      (fault) => fault === undefined,
    );
    if (isSound) return body;
    const where = { store: this.name, key };
    const stopAt = Math.min(...[breakBodyAt, truncateBodyAt, hangBodyAt].map((at) => at ?? Number.POSITIVE_INFINITY));
    return (async function* faulty() {
      let at = 0;
      for await (const piece of pieces(body)) {
        // A copy: a slice of a Buffer is the store's own bytes.
        const chunk = new Uint8Array(piece.subarray(0, Math.max(0, stopAt - at)));
        if (corruptBodyAt !== undefined && corruptBodyAt >= at && corruptBodyAt < at + chunk.length) {
          chunk[corruptBodyAt - at] = (chunk[corruptBodyAt - at] as number) ^ 0xff;
        }
        at += chunk.length;
        if (chunk.length > 0) yield chunk;
        if (at < stopAt) continue;
        if (hangBodyAt === stopAt) await untilAborted(where, signal);
        if (breakBodyAt === stopAt) throw new StorageError('unavailable', where, `the body broke after ${at} bytes`);
        return;
      }
      if (extendBody !== undefined) yield extendBody;
    })();
  }
}

async function* corrupted(body: Body, offset: number): AsyncGenerator<Uint8Array> {
  let at = 0;
  for await (const piece of pieces(body)) {
    const chunk = new Uint8Array(piece);
    if (offset >= at && offset < at + chunk.length) chunk[offset - at] = (chunk[offset - at] as number) ^ 0xff;
    at += chunk.length;
    yield chunk;
  }
}

async function* pieces(body: Body): AsyncGenerator<Uint8Array> {
  if (!(body instanceof Uint8Array)) return yield* body;
  for (let at = 0; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES);
}

function untilAborted(where: { store: string; key?: string }, signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new StorageError('aborted', where, 'it was aborted', signal?.reason));
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
  });
}
