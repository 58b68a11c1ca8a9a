import assert from 'node:assert';
import { createHash } from 'node:crypto';
import { DARK_DIRECTORY, isReserved } from '../../domain/object/key.ts';
import type { StoreCapabilities } from '../../domain/store/capabilities.ts';
import type { Clock } from '../../ports/clock.ts';
import {
  type Body,
  type GetOptions,
  type Got,
  type Head,
  type LeaseClaim,
  type LeaseHeld,
  type ListingPage,
  type ListOptions,
  type Published,
  type PublishOptions,
  type PublishRequest,
  type Staged,
  type StageOptions,
  type Storage,
  StorageError,
  type StoreLease,
} from '../../ports/storage.ts';
import { openChunks } from '../body.ts';
import { checkKey } from '../check-key.ts';
import { claimedLease, findHolder, type IsAlive, isProcessAlive } from '../store-lease.ts';
import { MemoryContents, type StoredObject } from './memory-contents.ts';

export interface MemoryStorageOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Given: this opening shares what others see. */
  readonly contents?: MemoryContents;
  /** Whether the holder of a lease still lives; a simulation tells it of its own processes. */
  readonly isAlive?: IsAlive;
}

/** Objects to a page of a listing. */
const PAGE_OBJECTS = 1000;

const MEMORY_CAPABILITIES: StoreCapabilities = {
  sortedListing: true,
  conditionalPut: 'enforced',
  checksPut: true,
  stagesInMemory: true,
  mtimeResolutionNs: 1n,
  directories: false,
  keepsMetadata: true,
  soft: false,
};

/** What was staged and not yet published or discarded. */
interface StagedObject {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly options: StageOptions;
}

/** A store that lives as long as its process: for simulation, and the plainest statement of the port's duties. */
export function openMemoryStorage(options: MemoryStorageOptions): Storage {
  return new MemoryStorage(options);
}

class MemoryStorage implements Storage {
  readonly name: string;
  readonly place: string;
  readonly capabilities = MEMORY_CAPABILITIES;
  readonly #clock: Clock;
  readonly #contents: MemoryContents;
  readonly #isAlive: IsAlive;
  readonly #writer: number;
  readonly #staged = new Map<Staged, StagedObject>();
  #leases = 0;

  constructor(options: MemoryStorageOptions) {
    this.name = options.name;
    this.place = `memory://${encodeURIComponent(options.name)}/`;
    this.#clock = options.clock;
    this.#contents = options.contents ?? new MemoryContents();
    this.#isAlive = options.isAlive ?? isProcessAlive;
    this.#writer = this.#contents.nextWriter();
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    this.#begin(key, options.signal);
    const object = this.#find(key);
    if (options.ifToken !== undefined && object.token !== options.ifToken) throw this.#otherToken(key);
    const { start, end } = options.span ?? { start: 0, end: object.bytes.length };
    // A copy: what a reader does with it must not reach what is stored.
    return { head: headOf(object), body: new Uint8Array(object.bytes.subarray(start, end)) };
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    this.#begin(key, options.signal);
    return headOf(this.#find(key));
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ListingPage> {
    let after = options.startAfter;
    while (true) {
      this.#checkSignal('', options.signal);
      const keys = this.#contents.keysAfter(prefix, after, PAGE_OBJECTS);
      const shown = prefix.startsWith(DARK_DIRECTORY) ? keys : keys.filter((key) => !isReserved(key));
      const objects = shown.map((key) => {
        const object = this.#contents.get(key) as StoredObject;
        const modifiedNs = object.attributes.modifiedNs ?? object.modifiedNs;
        return { key, size: object.bytes.length, token: object.token, modifiedNs };
      });
      yield { objects, failures: [], markers: 0 };
      if (keys.length < PAGE_OBJECTS) return;
      after = keys.at(-1);
    }
  }

  async delete(key: string, options: { readonly ifToken?: string; readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#begin(key, options.signal);
    const object = this.#contents.get(key);
    if (object === undefined) return;
    if (options.ifToken !== undefined && object.token !== options.ifToken) throw this.#otherToken(key);
    this.#contents.delete(key);
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    this.#begin(key, options.signal);
    const bytes = await this.#readWhole(key, body, options);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#checkDigest(key, sha256, options.mark.sha256);
    const staged: Staged = { key, size: bytes.length };
    this.#staged.set(staged, { bytes, sha256, options });
    return staged;
  }

  async flushAll(): Promise<void> {}

  async flush(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) this.#stagedObject(one);
  }

  async publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    return requests.map(({ staged, options }) => {
      const object = this.#stagedObject(staged);
      this.#staged.delete(staged);
      try {
        return this.#publishOne(staged.key, object, options);
      } catch (error) {
        if (error instanceof StorageError) return error;
        throw error;
      }
    });
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) this.#staged.delete(one);
  }

  /** What a writer staged goes with its process: nothing is ever left behind. */
  async clean(): Promise<number> {
    return 0;
  }

  async lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    const held = findHolder(this.#contents.lease, claim, this.#isAlive);
    if (held !== undefined) return held;
    const id = `${this.#writer}.${++this.#leases}`;
    this.#contents.lease = claimedLease(id, claim);
    return {
      renew: async (nowMs) => {
        const mine = this.#contents.lease;
        if (mine?.id !== id)
          throw new StorageError('precondition-failed', { store: this.name }, 'the lease was taken over');
        this.#contents.lease = { ...mine, untilMs: nowMs + claim.leaseMs };
      },
      release: async () => {
        if (this.#contents.lease?.id === id) this.#contents.lease = undefined;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#staged.clear();
  }

  #publishOne(key: string, staged: StagedObject, options: PublishOptions): Published {
    const current = this.#contents.get(key);
    if (options.ifAbsent === true && current !== undefined) {
      throw new StorageError('precondition-failed', { store: this.name, key }, 'there is an object already');
    }
    if (options.ifToken !== undefined && current?.token !== options.ifToken) throw this.#otherToken(key);
    const mark = options.mark ?? staged.options.mark;
    this.#checkDigest(key, staged.sha256, mark.sha256);
    const token = this.#contents.nextToken();
    const modifiedNs = BigInt(this.#clock.nowMs()) * 1_000_000n;
    this.#contents.set(key, {
      bytes: staged.bytes,
      token,
      modifiedNs,
      attributes: structuredClone(staged.options.attributes),
      mark,
      sha256: staged.sha256,
    });
    return { token, verification: 'store' };
  }

  async #readWhole(key: string, body: Body, options: StageOptions): Promise<Uint8Array> {
    const chunks = openChunks(body, options.signal);
    const parts: Uint8Array[] = [];
    let size = 0;
    try {
      for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
        size += chunk.length;
        if (options.size !== undefined && size > options.size) throw this.#wrongLength(key, size, options.size);
        parts.push(new Uint8Array(chunk));
      }
    } catch (error) {
      if (error instanceof StorageError) throw error;
      this.#checkSignal(key, options.signal);
      throw new StorageError('aborted', { store: this.name, key }, 'the bytes to be written could not be read', error);
    } finally {
      chunks.close();
    }
    if (options.size !== undefined && size !== options.size) throw this.#wrongLength(key, size, options.size);
    return Buffer.concat(parts, size);
  }

  #begin(key: string, signal: AbortSignal | undefined): void {
    checkKey(this.name, key);
    this.#checkSignal(key, signal);
  }

  #checkSignal(key: string, signal: AbortSignal | undefined): void {
    if (signal?.aborted === true)
      throw new StorageError('aborted', { store: this.name, key }, 'it was aborted', signal.reason);
  }

  #checkDigest(key: string, actual: string, expected: string | undefined): void {
    if (expected === undefined || actual === expected) return;
    throw new StorageError('corrupt', { store: this.name, key }, `the bytes have sha256 ${actual}, not ${expected}`);
  }

  #find(key: string): StoredObject {
    const object = this.#contents.get(key);
    if (object === undefined) throw new StorageError('not-found', { store: this.name, key }, 'there is no such object');
    return object;
  }

  #stagedObject(staged: Staged): StagedObject {
    const object = this.#staged.get(staged);
    assert(object !== undefined, `${this.name}: ${staged.key}: not staged here, or published or discarded before`);
    return object;
  }

  #otherToken(key: string): StorageError {
    return new StorageError(
      'precondition-failed',
      { store: this.name, key },
      'the store holds something else than expected',
    );
  }

  #wrongLength(key: string, actual: number, expected: number): StorageError {
    const why =
      actual > expected
        ? `more than the ${expected} bytes announced came`
        : `${actual} of ${expected} bytes announced came`;
    return new StorageError('corrupt', { store: this.name, key }, why);
  }
}

function headOf(object: StoredObject): Head {
  return {
    token: object.token,
    size: object.bytes.length,
    modifiedNs: object.attributes.modifiedNs ?? object.modifiedNs,
    attributes: structuredClone(object.attributes),
    mark: object.mark,
    digests: { sha256: object.sha256 },
  };
}
