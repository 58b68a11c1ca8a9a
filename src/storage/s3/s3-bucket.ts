import { hash } from 'node:crypto';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { type Head, StorageError, type Token } from '../../ports/storage.ts';
import { failureOf, S3Failure } from './errors.ts';
import { quoted, tokenOf } from './etag.ts';
import { headerOf } from './http-exchange.ts';
import type { KeySpace, ObjectAt } from './key-space.ts';
import { NO_CONTENT_TYPE } from './object-metadata.ts';
import { PartBuffers } from './part-buffers.ts';
import { lengthOf, metadataHeaders, readHead } from './read-head.ts';
import type { S3Connection, SendOptions } from './s3-connection.ts';
import type { S3Settings } from './s3-settings.ts';
import { newProbeName } from './probes.ts';
import { knownFacts, probeServer, type ServerFacts, UNKNOWN_SERVER } from './server-facts.ts';

/** What must hold for a write to happen; undefined: nothing. */
export type Condition = { readonly kind: 'absent' } | { readonly kind: 'token'; readonly token: Token } | undefined;

export interface PutInput {
  readonly bytes: Uint8Array;
  /** Of the bytes: it is signed, and a careful server compares. */
  readonly sha256: string;
  readonly contentType: string | undefined;
  readonly metadata: Record<string, string>;
}

export interface PutOutcome {
  readonly token: Token;
  /** The server compared the bytes with a digest, or answered with one that is right. */
  readonly isChecked: boolean;
}

export interface S3BucketOptions {
  readonly name: string;
  readonly settings: S3Settings;
  readonly connection: S3Connection;
  readonly keys: KeySpace;
  readonly clock: Clock;
  readonly random: Random;
}

/** HEAD has no body, so its 404 does not say what is missing; a bucket seen so lately is still there. */
const BUCKET_SEEN_MS = 5_000;

/** One bucket and prefix: its requests, their conditions, and what the server turned out to enforce. */
export class S3Bucket {
  readonly name: string;
  readonly connection: S3Connection;
  readonly keys: KeySpace;
  readonly clock: Clock;
  readonly random: Random;
  readonly bucket: string;
  readonly partBuffers = new PartBuffers();
  #facts: ServerFacts | undefined;
  #probe: Promise<ServerFacts> | undefined;
  /** How this server takes the ETag in `If-Match` of a PUT: RGW only without quotes. Undefined until one form succeeded. */
  #quotesIfMatch: boolean | undefined;
  #seenMs = Number.NEGATIVE_INFINITY;

  constructor(options: S3BucketOptions) {
    this.name = options.name;
    this.connection = options.connection;
    this.keys = options.keys;
    this.clock = options.clock;
    this.random = options.random;
    this.bucket = options.settings.bucket;
    this.#facts = knownFacts(options.settings);
  }

  /** What is known by now; exact from the first write on. */
  get knownFacts(): ServerFacts {
    return this.#facts ?? UNKNOWN_SERVER;
  }

  /** What the server enforces: asked once, and again only if the asking failed. */
  async facts(): Promise<ServerFacts> {
    if (this.#facts !== undefined) return this.#facts;
    this.#probe ??= probeServer(this.connection, this.keys.ownAt(newProbeName(this.random)));
    try {
      this.#facts = await this.#probe;
      return this.#facts;
    } finally {
      this.#probe = undefined;
    }
  }

  /** The head of an object, and the name of the mark beside it. The bucket missing is not the object missing. */
  async head(
    at: ObjectAt,
    options: SendOptions = {},
  ): Promise<{ readonly head: Head; readonly markBeside: string | undefined }> {
    try {
      const answer = await this.connection.request(
        { method: 'HEAD', fullKey: at.fullKey },
        { ...options, key: at.key },
      );
      this.#seenMs = this.clock.monotonicMs();
      return readHead(answer, lengthOf(answer));
    } catch (error) {
      const isSeen = this.clock.monotonicMs() - this.#seenMs < BUCKET_SEEN_MS;
      if (isNotFound(error) && !isSeen) await this.demandBucket(at, options);
      throw error;
    }
  }

  /**
   * Fails unless the condition holds now. What comes between this and the write is not seen. Returns the name of the mark
   * beside what is there.
   */
  async demand(at: ObjectAt, condition: NonNullable<Condition>): Promise<string | undefined> {
    const found = await this.head(at, { retried: true }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
      return undefined;
    });
    const token = found?.head.token;
    const holds = condition.kind === 'absent' ? token === undefined : token === condition.token;
    if (!holds) throw this.preconditionFailed(at, condition);
    return found?.markBeside;
  }

  preconditionFailed(at: ObjectAt, condition: Condition, cause?: unknown): StorageError {
    const why =
      condition?.kind === 'absent' ? 'there is an object already' : 'the store holds something else than expected';
    return new StorageError('precondition-failed', { store: this.name, key: at.key }, why, cause);
  }

  /** One PUT, on a condition the server enforces where it can, and that is looked up just before where it cannot. */
  async put(at: ObjectAt, input: PutInput, condition: Condition, onRetry?: () => void): Promise<PutOutcome> {
    const { createsConditionally, replacesConditionally } = await this.facts();
    const options = { key: at.key, retried: true, ...(onRetry === undefined ? {} : { onRetry }) };
    if (condition?.kind === 'absent' && createsConditionally)
      return this.#put(at, input, { 'if-none-match': '*' }, options);
    if (condition?.kind === 'token' && replacesConditionally) return this.#replace(at, input, condition, options);
    if (condition !== undefined) await this.demand(at, condition);
    return this.#put(at, input, {}, options);
  }

  /** Until one form of `If-Match` has succeeded, a refusal may only mean that the server wants the other one. */
  async #replace(
    at: ObjectAt,
    input: PutInput,
    condition: { readonly kind: 'token'; readonly token: Token },
    options: SendOptions,
  ): Promise<PutOutcome> {
    let refusal: unknown;
    for (const quotes of this.#quotesIfMatch === undefined ? [false, true] : [this.#quotesIfMatch]) {
      try {
        const etag = quotes ? quoted(condition.token) : condition.token;
        const outcome = await this.#put(at, input, { 'if-match': etag }, options);
        this.#quotesIfMatch = quotes;
        return outcome;
      } catch (error) {
        // Amazon answers NoSuchKey to an If-Match where nothing is.
        if (!isPreconditionFailed(error) && failureOf(error)?.code !== 'NoSuchKey') throw error;
        refusal = error;
      }
    }
    throw this.preconditionFailed(at, condition, refusal);
  }

  async #put(
    at: ObjectAt,
    { bytes, sha256, contentType = NO_CONTENT_TYPE, metadata }: PutInput,
    condition: Readonly<Record<string, string>>,
    options: SendOptions,
  ): Promise<PutOutcome> {
    const { checksPayload } = await this.facts();
    const md5 = checksPayload ? undefined : Buffer.from(hash('md5', bytes, 'hex'), 'hex');
    const headers = {
      'content-type': contentType,
      ...metadataHeaders(metadata),
      ...condition,
      ...(md5 === undefined ? {} : { 'content-md5': md5.toString('base64') }),
    };
    const request = { method: 'PUT' as const, fullKey: at.fullKey, headers, body: bytes, payload: sha256 };
    const answer = await this.connection.request(request, options);
    const token = tokenOf(headerOf(answer, 'etag'));
    return { token, isChecked: checksPayload || token === md5?.toString('hex') };
  }

  async delete(
    at: ObjectAt,
    { headers = {}, ...options }: SendOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<void> {
    try {
      const request = { method: 'DELETE' as const, fullKey: at.fullKey, headers };
      await this.connection.request(request, { ...options, key: at.key });
    } catch (error) {
      if (failureOf(error)?.code !== 'NoSuchKey') throw error;
    }
  }

  /** Fails unless the bucket is there. */
  async demandBucket(at: ObjectAt, { signal }: SendOptions): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    try {
      await this.connection.request({ method: 'HEAD', fullKey: '' }, { key: at.key, signal });
      this.#seenMs = nowMs;
    } catch (error) {
      if (isNotFound(error)) throw this.bucketMissing(at.key, error);
      throw error;
    }
  }

  /** A store that is gone is not an object that is missing: nothing may be concluded of any object (I9). */
  bucketMissing(key: string, cause?: unknown): StorageError {
    return new StorageError(
      'unavailable',
      { store: this.name, key },
      `the bucket ${this.bucket} does not exist`,
      cause,
    );
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof StorageError && error.kind === 'not-found';
}

export function isDenied(error: unknown): boolean {
  return error instanceof StorageError && error.kind === 'denied';
}

/** The store answered, in words that nobody understands. */
export function isNotUnderstood(error: unknown): boolean {
  return error instanceof StorageError && error.cause instanceof S3Failure && error.cause.code === 'UnexpectedAnswer';
}

export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof StorageError && error.kind === 'precondition-failed';
}
