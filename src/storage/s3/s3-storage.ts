import assert from 'node:assert';
import type { StoreCapabilities } from '../../domain/store/capabilities.ts';
import {
  type Body,
  type CleanOptions,
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
  type Token,
} from '../../ports/storage.ts';
import { cleanUploads } from './clean-uploads.ts';
import { isBucketMissing } from './errors.ts';
import { getObject } from './get-object.ts';
import { KeySpace } from './key-space.ts';
import type { LargeObject } from './large-object.ts';
import { cleanMarks, deleteMark, readMark } from './mark-beside.ts';
import { cleanProbes } from './probes.ts';
import { type Condition, isNotFound, S3Bucket } from './s3-bucket.ts';
import { openConnection } from './s3-connection.ts';
import { claimLease } from './s3-lease.ts';
import { listObjects } from './s3-listing.ts';
import type { S3Settings, S3StorageOptions } from './s3-settings.ts';
import { publishSmall } from './small-object.ts';
import { type StagedObject, stageBody } from './stage-body.ts';

export type { S3Settings, S3StorageOptions } from './s3-settings.ts';

/** Publishes of one call under way at once. */
const PUBLISHES_AT_ONCE = 16;

/** A bucket, or a prefix of one, at any endpoint that speaks S3 (docs/stores.md, "S3"). Asks the server nothing yet, unless told to. */
export async function openS3Storage(options: S3StorageOptions): Promise<Storage> {
  const { name, settings, clock, random } = options;
  const connection = openConnection(options);
  const keys = new KeySpace(name, settings.prefix);
  const bucket = new S3Bucket({ name, settings, connection, keys, clock, random });
  if (options.probe === true) await bucket.facts();
  return new S3Storage(bucket, settings, options.place);
}

class S3Storage implements Storage {
  readonly name: string;
  readonly place: string;
  readonly #bucket: S3Bucket;
  readonly #settings: S3Settings;
  readonly #staged = new Map<Staged, StagedObject>();

  constructor(bucket: S3Bucket, settings: S3Settings, place: string) {
    this.name = bucket.name;
    this.place = place;
    this.#bucket = bucket;
    this.#settings = settings;
  }

  /** `conditionalPut` and `checksPut` are what is known: exact after the first write, modest before. */
  get capabilities(): StoreCapabilities {
    const { createsConditionally, replacesConditionally, checksPayload } = this.#bucket.knownFacts;
    return {
      sortedListing: true,
      conditionalPut: createsConditionally ? (replacesConditionally ? 'enforced' : 'create-only') : 'none',
      checksPut: checksPayload,
      stagesInMemory: true,
      // Times are kept to the nanosecond, but a listing does not tell them: two stores are compared by their heads.
      mtimeResolutionNs: 0n,
      directories: false,
      keepsMetadata: true,
      soft: false,
    };
  }

  async get(key: string, options: GetOptions = {}): Promise<Got> {
    return getObject(this.#bucket, this.#bucket.keys.at(key), options);
  }

  async head(key: string, options: { readonly signal?: AbortSignal } = {}): Promise<Head> {
    const at = this.#bucket.keys.at(key);
    const { head, markBeside } = await this.#bucket.head(at, options);
    return markBeside === undefined ? head : { ...head, mark: await readMark(this.#bucket, at, markBeside) };
  }

  list(prefix: string, options: ListOptions = {}): AsyncIterable<ListingPage> {
    return listObjects(this.#bucket, prefix, options);
  }

  async delete(key: string, options: { readonly ifToken?: Token; readonly signal?: AbortSignal } = {}): Promise<void> {
    const at = this.#bucket.keys.at(key);
    const { ifToken, ...send } = options;
    try {
      if (ifToken === undefined) return await this.#bucket.delete(at, send);
      const { head, markBeside } = await this.#bucket.head(at, send);
      if (head.token !== ifToken) throw this.#bucket.preconditionFailed(at, { kind: 'token', token: ifToken });
      // The mark first: a crash in between leaves an object that is deleted again, and not a mark nobody looks for.
      if (markBeside !== undefined) await deleteMark(this.#bucket, at, markBeside);
      await this.#bucket.delete(at, send);
    } catch (error) {
      if (isBucketMissing(error)) throw this.#bucket.bucketMissing(key, error);
      if (!isNotFound(error)) throw error;
    }
  }

  async stage(key: string, body: Body, options: StageOptions): Promise<Staged> {
    const object = await stageBody(this.#bucket, this.#settings, this.#bucket.keys.at(key), body, options);
    const staged: Staged = { key, size: object.size };
    this.#staged.set(staged, object);
    return staged;
  }

  /** A part is durable when its upload is answered, and so is a PUT: there is nothing to wait for. */
  async flush(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) assert(this.#staged.has(one), `${this.name}: ${one.key}: not staged here`);
  }

  async flushAll(): Promise<void> {}

  async publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]> {
    const outcomes: (Published | StorageError)[] = [];
    let next = 0;
    const work = async (): Promise<void> => {
      for (let i = next++; i < requests.length; i = next++)
        outcomes[i] = await this.#publishOne(requests[i] as PublishRequest);
    };
    await Promise.all(Array.from({ length: Math.min(PUBLISHES_AT_ONCE, requests.length) }, work));
    return outcomes;
  }

  async discard(staged: readonly Staged[]): Promise<void> {
    for (const one of staged) {
      const object = this.#staged.get(one);
      this.#staged.delete(one);
      if (object?.kind === 'large') await object.object.abort({ forGood: true });
    }
  }

  async clean({ isFinished = () => false }: CleanOptions = {}): Promise<number> {
    const { keys } = this.#bucket;
    const prefixLength = keys.listed('').length;
    const cleaned = await Promise.all([
      cleanUploads(this.#bucket, (fullKey) => isFinished(fullKey.slice(prefixLength))),
      cleanMarks(this.#bucket),
      cleanProbes(this.#bucket),
    ]);
    return cleaned.reduce((sum, count) => sum + count);
  }

  async lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld> {
    return claimLease(this.#bucket, claim);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const uploads: LargeObject[] = [];
    for (const object of this.#staged.values()) if (object.kind === 'large') uploads.push(object.object);
    this.#staged.clear();
    await Promise.allSettled(uploads.map((upload) => upload.abort({ forGood: false })));
    this.#bucket.connection.close();
  }

  async #publishOne({ staged, options }: PublishRequest): Promise<Published | StorageError> {
    const object = this.#staged.get(staged);
    assert(object !== undefined, `${this.name}: ${staged.key}: not staged here, or published or discarded before`);
    this.#staged.delete(staged);
    try {
      if (object.kind === 'small')
        return await publishSmall(this.#bucket, object.object, options, conditionOf(options));
      return await object.object.publish(options, conditionOf(options));
    } catch (error) {
      if (error instanceof StorageError) return error;
      throw error;
    }
  }
}

function conditionOf({ ifAbsent, ifToken }: PublishOptions): Condition {
  if (ifToken !== undefined) return { kind: 'token', token: ifToken };
  return ifAbsent === true ? { kind: 'absent' } : undefined;
}
