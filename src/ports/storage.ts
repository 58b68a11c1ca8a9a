import type { StoreCapabilities } from '../domain/store/capabilities.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { ByteSpan } from '../domain/transfer/byte-range.ts';
import type { FailureKind } from '../domain/transfer/retry.ts';

/**
 * A store's own opaque mark for the bytes it holds at a key now (S3: the ETag, which listings tell too; POSIX: inode, size and
 * mtime in nanoseconds). Equal tokens mean the same bytes; another token is an observation, not yet a change.
 */
export type Token = string;

/** What every copy Pando makes carries with it, so that it can be recognised without a catalog (docs/versions.md, "Marks"). */
export interface Mark {
  /** The version's operation id (UUIDv7), which every site knows the version by. */
  readonly operation: string;
  /** Lower-case hex; undefined where the store had to be told before the last byte was read. */
  readonly sha256: string | undefined;
}

/** What belongs to an object besides its bytes. Times in nanoseconds since 1970, mode as in POSIX (permission bits only). */
export interface Attributes {
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly modifiedNs?: bigint;
  readonly mode?: number;
  /** A symbolic link kept as a link: where it leads, which is also its body. */
  readonly link?: string;
}

export interface Head {
  readonly token: Token;
  readonly size: number;
  readonly modifiedNs: bigint | undefined;
  readonly attributes: Attributes;
  readonly mark: Mark | undefined;
  /** Lower-case hex digests the store itself vouches for (an MD5 ETag, say), by algorithm. */
  readonly digests: Readonly<Record<string, string>>;
}

/** Bytes in memory, or chunks as they come. Chunks are the consumer's until it asks for the next one; then they may be reused. */
export type Body = Uint8Array | AsyncIterable<Uint8Array>;

export interface Got {
  /** Of the whole object, not of the range. */
  readonly head: Head;
  /**
   * The bytes asked for. The adapter does not promise the length: whoever consumes counts (a source may break, or lie).
   * A body of chunks must be consumed or returned (`return()` of its iterator), which frees what it holds.
   */
  readonly body: Body;
}

/** A whole object, in memory. */
export type WholeGot = Got & { readonly body: Uint8Array };

export interface GetOptions {
  /** Resolved by the caller; absent = the whole object. A span of no bytes is answered with no bytes. */
  readonly span?: ByteSpan;
  /** Fail with `precondition-failed` unless the store holds exactly this. */
  readonly ifToken?: Token;
  /** A store may read into it rather than into memory of its own; the body is then good until it is used again. */
  readonly into?: Uint8Array;
  readonly signal?: AbortSignal;
}

export interface HeadOptions {
  readonly signal?: AbortSignal;
  /** What is asked for is to be written: fails as `blocked` where it is reached by a link, through which nothing is written. */
  readonly toWrite?: boolean;
}

export interface Listed {
  readonly key: string;
  readonly size: number;
  readonly token: Token;
  /** As in the head, where `mtimeResolutionNs` is not 0n; otherwise when the store received the object. */
  readonly modifiedNs: bigint | undefined;
}

/** Something in the listing that cannot be an object, or could not be looked at. Nothing below `protects` may be deleted elsewhere. */
export interface ListingFailure {
  /** Printable on one line. */
  readonly shown: string;
  /** Keys equal to this, or beginning with it where it ends with `/`, must not be taken for absent. '' protects all. */
  readonly protects: string;
  readonly kind: 'not-utf8' | 'invalid-key' | 'denied' | 'unavailable' | 'symlink' | 'special-file';
  readonly message: string;
}

/** One page of a listing; a page may be empty. */
export interface ListingPage {
  readonly objects: readonly Listed[];
  /** The same objects as text, where they came so: then `objects` are made of it when they are first asked for. */
  readonly text?: ListingText | undefined;
  readonly failures: readonly ListingFailure[];
  /** Keys ending with `/` that stand for directories: counted, not copied. */
  readonly markers: number;
}

/** At least one object; keys, and tokens, joined by NUL, which is part of neither. What thousands of objects are compared by at once. */
export interface ListingText {
  readonly keys: string;
  readonly tokens: string;
  readonly sizes: Float64Array;
}

/** Objects on a page, which asks for none of them. */
export function countListed({ text, objects }: Pick<ListingPage, 'text' | 'objects'>): number {
  return text === undefined ? objects.length : text.sizes.length;
}

export interface ListOptions {
  /** Only keys after this one, in byte order. */
  readonly startAfter?: string;
  readonly signal?: AbortSignal;
}

export interface DeleteOptions {
  readonly ifToken?: Token;
  readonly deferred?: boolean;
  readonly signal?: AbortSignal;
}

export interface StageOptions {
  readonly attributes: Attributes;
  /** Known where the body is whole in memory, or the version was hashed before. */
  readonly mark: Mark;
  /** In bytes, where the caller knows it. A body of another length fails with `corrupt`. */
  readonly size?: number;
  readonly signal?: AbortSignal;
  /**
   * Names the bytes as their source knows them. A store that takes large objects in parts keeps these when the writer fails or
   * dies, and goes on with them when the same bytes are staged again at this key under the same name; each part is compared
   * with the bytes first. Only for who is alone in writing to the key.
   */
  readonly resume?: string;
}

/** A small object that is whole in memory. */
export interface WholeObject {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly options: Pick<StageOptions, 'attributes' | 'mark'>;
}

export interface CleanOptions {
  /** All is done for this key: what a dead writer left there to be gone on with goes too. */
  isFinished?(key: string): boolean;
}

/** Bytes that lie in the store under no key yet. Belongs to the store that staged it; published or discarded once. */
export interface Staged {
  readonly key: string;
  readonly size: number;
}

export interface PublishOptions {
  /** The key must be free. */
  readonly ifAbsent?: boolean;
  /** The key must hold exactly this. */
  readonly ifToken?: Token;
  /** Given where it was not complete when staged; a store that cannot add it any more keeps it beside the object. */
  readonly mark?: Mark;
}

export interface Published {
  readonly token: Token;
  readonly verification: Verification;
}

export interface PublishRequest {
  readonly staged: Staged;
  readonly options: PublishOptions;
}

/**
 * One place where bytes live (docs/stores.md). Every adapter passes `describeStorageContract` of `pando-replica/testing`.
 *
 * Keys are checked by every adapter with `findKeyProblem` before they become a path or a URL: no key leaves its store (I10).
 * Every method fails with a `StorageError` and nothing else; *missing*, *unavailable* and *denied* are never confused (I9).
 * Writing is three steps so that many objects share one flush: `stage` (bytes in the store, under no key), `flush`
 * (durable), `publish` (visible, at once). `putObject` does all three for one object.
 */
export interface Storage extends AsyncDisposable {
  /** Name in messages; never contains a secret. */
  readonly name: string;
  /** Normalised URL of the place. Two stores whose places are equal, or one inside the other, overlap. */
  readonly place: string;
  readonly capabilities: StoreCapabilities;

  get(key: string, options?: GetOptions): Promise<Got>;
  /**
   * `get` of a small object without a promise: which costs more than the bytes. For stores whose calls block anyway.
   * Undefined: not in this way (the object is large, reached by a link, not to be had, or another than `ifToken`): `get` it, which tells
   * why. A span is not heeded.
   */
  getAtOnce?(key: string, options: Omit<GetOptions, 'span'>): WholeGot | undefined;
  head(key: string, options?: HeadOptions): Promise<Head>;
  /**
   * All objects whose key begins with `prefix`, without `.pando/`; with a prefix that begins with `.pando/dark/`, what audits have set
   * aside below it, which has keys of its own there. Ends normally only when the listing is complete but for the
   * failures it names; a root that is gone is `not-found`, a listing that breaks throws.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListingPage>;
  /**
   * Deleting what is absent succeeds. With `ifToken`, other bytes than these are left alone: `precondition-failed`.
   * Durable on return, or with `deferred` after the next `flush`, which many deletes may share.
   */
  delete(key: string, options?: DeleteOptions): Promise<void>;

  stage(key: string, body: Body, options: StageOptions): Promise<Staged>;
  /**
   * `stage` of a small object in the same way. Undefined: nothing was staged, `stage` it. What fails for another reason than the way is
   * thrown as `stage` tells it, and nothing of it is left either.
   */
  stageAtOnce?(key: string, bytes: Uint8Array, options: StageOptions): Staged | undefined;
  /** The staged bytes, and all deferred deletes, are durable when this returns. */
  flush(staged: readonly Staged[]): Promise<void>;
  /**
   * Everything ever published here is durable when this returns, whoever published it and with whatever durability; what others
   * wrote to the same disk may be waited for. `unsupported` where the system has no such flush.
   */
  flushAll(): Promise<void>;
  /**
   * Each becomes visible at its key, in one step and durably; one answer each, in order: what holds now, or why it does not.
   * What failed is discarded.
   */
  publish(requests: readonly PublishRequest[]): Promise<readonly (Published | StorageError)[]>;
  /**
   * `stage`, `flush` and `publish` with `ifAbsent` of small objects in one, with one answer each, in order; for stores to which that is much
   * cheaper than the three. What failed is discarded, unless nobody knows whether it was published.
   */
  putTogether?(objects: readonly WholeObject[]): Promise<readonly (Published | StorageError)[]>;
  discard(staged: readonly Staged[]): Promise<void>;

  /** Bytes that can still be written here now; absent, or undefined: the store does not tell. */
  freeBytes?(): Promise<number | undefined>;

  /** Remove what writers that no longer live left behind; returns how many leftovers went. */
  clean(options?: CleanOptions): Promise<number>;
  /**
   * Take the store's sync lease, or say who holds it. Two catalogs that do not know each other meet here.
   * Enforced where the store can (`conditionalPut`), advisory elsewhere.
   */
  lease(claim: LeaseClaim): Promise<StoreLease | LeaseHeld>;
}

export interface LeaseClaim {
  /** Who asks, printable: `host, process 123`. */
  readonly holder: string;
  /** host, process id and start time of the holder, so that a dead one on the same host is recognised at once. */
  readonly process: { readonly host: string; readonly pid: number; readonly startedMs: number };
  readonly leaseMs: number;
  readonly nowMs: number;
}

export interface StoreLease {
  renew(nowMs: number): Promise<void>;
  release(): Promise<void>;
}

export interface LeaseHeld {
  readonly heldBy: string;
  readonly sinceMs: number;
}

export type StorageErrorKind = FailureKind;

/** The one error of the storage port. Whether to try again is `isRetryable(kind)`, a pure table, not a flag here. */
export class StorageError extends Error {
  override readonly name = 'StorageError';
  readonly kind: StorageErrorKind;
  readonly store: string;
  readonly key: string;
  /** The message without where. */
  readonly why: string;

  constructor(kind: StorageErrorKind, where: { store: string; key?: string }, why: string, cause?: unknown) {
    super(
      `${where.store}${where.key === undefined ? '' : `: ${where.key}`}: ${why}`,
      cause === undefined ? undefined : { cause },
    );
    this.kind = kind;
    this.store = where.store;
    this.key = where.key ?? '';
    this.why = why;
  }
}
