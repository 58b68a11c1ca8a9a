import type { StoreCapabilities } from '../../domain/store/capabilities.ts';
import {
  type Body,
  type DeleteOptions,
  type GetOptions,
  type Got,
  type Head,
  type LeaseClaim,
  type LeaseHeld,
  type ListingPage,
  type ListOptions,
  type Published,
  type PublishRequest,
  type Staged,
  type StageOptions,
  type Storage,
  StorageError,
  type StoreLease,
} from '../../ports/storage.ts';
import { checkKey } from '../check-key.ts';
import { listTree } from '../list-tree.ts';
import { claimLease } from './dav-lease.ts';
import { DavPlace, isNotThere } from './dav-place.ts';
import { davTree } from './dav-tree.ts';
import { DavWriter } from './dav-writer.ts';
import { getObject, headObject } from './get-object.ts';
import { SMALL_BYTES_MAX, type WebdavStorageOptions } from './webdav-settings.ts';

export type { WebdavSettings, WebdavStorageOptions } from './webdav-settings.ts';

/** A collection on a WebDAV server (docs/stores.md, "WebDAV"). Asks the server nothing yet. */
export function openWebdavStorage(options: WebdavStorageOptions): Storage {
  return new WebdavStorage(options);
}

class WebdavStorage implements Storage {
  readonly name: string;
  readonly place: string;
  readonly capabilities: StoreCapabilities;
  readonly #at: DavPlace;
  readonly #writer: DavWriter;

  constructor(options: WebdavStorageOptions) {
    this.name = options.name;
    this.place = options.place;
    this.capabilities = { ...CAPABILITIES, soft: !options.settings.flushes };
    this.#at = new DavPlace(options);
    this.#writer = new DavWriter(this.#at, options.smallBytesMax ?? SMALL_BYTES_MAX);
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    this.#check(key, options.signal);
    return this.#asking(key, () => getObject(this.#at, key, options));
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    this.#check(key, options.signal);
    return this.#asking(key, () => headObject(this.#at, key, options));
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ListingPage> {
    return listTree(davTree(this.#at), prefix, options);
  }

  async delete(key: string, { ifToken, signal }: DeleteOptions = {}): Promise<void> {
    this.#check(key, signal);
    try {
      await this.#asking(key, async () => {
        const found = await this.#at.find(key, { key, signal });
        if (found?.isCollection === true) return;
        if (found === undefined) throw this.#at.fail('not-found', key, 'not found');
        if (ifToken !== undefined && found.token !== ifToken)
          throw this.#at.fail('precondition-failed', key, 'the store holds something else than expected');
        await this.#writer.delete(key, found, ifToken);
      });
    } catch (error) {
      if (!isNotThere(error)) throw error;
    }
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    checkKey(this.name, key);
    return this.#translated(key, () => this.#writer.stage(key, body, options));
  }

  /** HTTP has no flush: a write is as durable as the server makes it before it answers. */
  async flush(): Promise<void> {}

  async flushAll(): Promise<void> {
    if (!this.capabilities.soft) return;
    throw new StorageError('unsupported', { store: this.name }, 'WebDAV has no flush');
  }

  async publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    return this.#writer.publish(requests);
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    await this.#writer.discard(staged);
  }

  async clean(): Promise<number> {
    return this.#writer.clean();
  }

  async lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    return claimLease(this.#at, claim);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.dispose().catch(() => undefined);
    this.#at.close();
  }

  /** Of a store whose root is gone nothing is known (I9): "not found" would say that the object is. */
  async #asking<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#at.explain(error, key, 'unavailable');
    }
  }

  async #translated<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#at.explain(error, key, 'not-found');
    }
  }

  #check(key: string, signal: AbortSignal | undefined): void {
    checkKey(this.name, key);
    if (signal?.aborted === true)
      throw new StorageError('aborted', { store: this.name, key }, 'it was stopped', signal.reason);
  }
}

const CAPABILITIES: Omit<StoreCapabilities, 'soft'> = {
  sortedListing: true,
  // Conditions are sent along, and looked up just before: Apache looks and then writes, others do not look.
  conditionalPut: 'none',
  checksPut: false,
  stagesInMemory: true,
  // Times are kept to the nanosecond, but not where a listing could tell them.
  mtimeResolutionNs: 0n,
  directories: true,
  keepsMetadata: true,
};
