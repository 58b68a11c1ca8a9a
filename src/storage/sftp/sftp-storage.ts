import type { StoreCapabilities } from '../../domain/store/capabilities.ts';
import type { Clock } from '../../ports/clock.ts';
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
import { flushTree } from './flush-tree.ts';
import { getObject, headObject } from './get-object.ts';
import { SftpConnection } from './sftp-connection.ts';
import { SftpDirectories } from './sftp-directories.ts';
import { SftpLease } from './sftp-lease.ts';
import { demandFile, SftpPlace } from './sftp-place.ts';
import { SFTP_TIMEOUTS, type SftpStorageOptions } from './sftp-settings.ts';
import { SftpStaging } from './sftp-staging.ts';
import { sftpTree } from './sftp-tree.ts';
import { SftpWriter } from './sftp-writer.ts';

export type { SftpSettings } from './sftp-settings.ts';

/** A directory on a server that speaks SFTP as OpenSSH does (docs/stores.md, "SFTP"). Asks the server nothing yet. */
export function openSftpStorage(options: SftpStorageOptions): Storage {
  return new SftpStorage(options);
}

class SftpStorage implements Storage {
  readonly name: string;
  readonly place: string;
  readonly capabilities: StoreCapabilities;
  readonly #clock: Clock;
  readonly #connection: SftpConnection;
  readonly #at: SftpPlace;
  readonly #staging: SftpStaging;
  readonly #writer: SftpWriter;
  readonly #lease: SftpLease;

  constructor({ name, place, settings, clock, durability, timeouts }: SftpStorageOptions) {
    const durable = durability !== 'relaxed';
    this.name = name;
    this.place = place;
    this.capabilities = { ...CAPABILITIES, soft: !durable };
    this.#clock = clock;
    this.#connection = new SftpConnection(settings, { ...SFTP_TIMEOUTS, ...timeouts });
    this.#at = new SftpPlace(name, settings.path, this.#connection);
    this.#staging = new SftpStaging(this.#at, clock);
    this.#lease = new SftpLease(this.#at);
    const directories = new SftpDirectories(this.#at);
    this.#writer = new SftpWriter({ place: this.#at, directories, staging: this.#staging, durable });
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    this.#check(key, options.signal);
    return this.#asking(key, () => getObject(this.#at, key, options));
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    this.#check(key, options.signal);
    return this.#asking(key, () => headObject(this.#at, key));
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ListingPage> {
    return listTree(sftpTree(this.#at), prefix, options);
  }

  async delete(key: string, { ifToken, deferred, signal }: DeleteOptions = {}): Promise<void> {
    this.#check(key, signal);
    try {
      await this.#asking(key, async () => {
        const session = await this.#at.session();
        const status = await this.#at.look(session, key);
        demandFile(this.#at, key, status);
        if (ifToken !== undefined && status.token !== ifToken)
          throw this.#at.taken(key, 'the file is another than expected');
        await this.#writer.remove(session, key);
        if (deferred !== true) await this.#writer.flush([]);
      });
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'not-found') throw error;
    }
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    checkKey(this.name, key);
    return this.#writer.stage(key, body, options);
  }

  async flush(staged: readonly Staged[]): Promise<void> {
    await this.#translated(() => this.#writer.flush(staged));
  }

  /** One file after the other: as long as it takes to ask for each. */
  async flushAll(): Promise<void> {
    await this.#translated(async () => flushTree(this.#at, await this.#at.session()));
  }

  async publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    return this.#translated(() => this.#writer.publish(requests));
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    await this.#writer.discard(staged);
  }

  async clean(): Promise<number> {
    return this.#translated(async () => {
      const session = await this.#at.session();
      await this.#lease.clean(session, this.#clock);
      return this.#staging.clean(session);
    });
  }

  async lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    return this.#translated(() => this.#lease.claim(claim));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.#at.current !== undefined) await this.#staging.dispose(this.#at.current);
    } catch {
      // The next writer cleans up.
    } finally {
      this.#connection.close();
    }
  }

  /** Of a store whose root is gone nothing is known (I9): "not found" would say that the object is. */
  async #asking<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#at.toError(error, key, 'unavailable');
    }
  }

  async #translated<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw await this.#at.toError(error, undefined);
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
  // A link is made, and a plain rename done, only where nothing is; nothing is replaced on a condition.
  conditionalPut: 'create-only',
  checksPut: false,
  stagesInMemory: false,
  mtimeResolutionNs: 1_000_000_000n,
  directories: true,
  keepsMetadata: true,
};
