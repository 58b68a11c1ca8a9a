import type { ObjectContent } from '../../domain/object/version.ts';
import type { Arrived } from '../../ports/journal.ts';
import {
  type Attributes,
  type Body,
  type Published,
  type PublishRequest,
  type Staged,
  type Storage,
  StorageError,
  type WholeObject,
} from '../../ports/storage.ts';
import { HashingBody } from '../hashing-body.ts';
import { attributesOf, makeContent } from '../object-content.ts';
import { publishTogether } from './publish-together.ts';
import { RecentBytes } from './recent-bytes.ts';
import { Together } from './together.ts';
import { versionPlace } from './version-place.ts';

/** Bytes that lie in the store, durable, under a place of their own. */
export interface KeptVersion {
  readonly content: ObjectContent;
  readonly copy: NonNullable<Arrived['copy']>;
  /** False: they lay there already. */
  readonly isNew: boolean;
}

/**
 * A site's own store (docs/sites.md, "Where objects lie"): each version at a place of its own. Many writers share one flush.
 */
export class SiteStore {
  readonly storage: Storage;
  /** What was kept here a moment ago. */
  readonly recent = new RecentBytes();
  readonly #published: Together<PublishRequest, Published>;
  /** Undefined: the store has no shorter way for small objects. */
  readonly #put: Together<WholeObject, Published> | undefined;
  /** Places whose bytes somebody is about to record, and how many are. */
  readonly #held = new Map<string, number>();
  /** What one of several would have discarded. */
  readonly #left = new Map<string, KeptVersion>();

  constructor(storage: Storage) {
    this.storage = storage;
    this.#published = new Together((requests) => publishTogether(storage, requests));
    const putTogether = storage.putTogether?.bind(storage);
    this.#put = putTogether && new Together(putTogether);
  }

  /** See `hold-kept`. */
  hold(places: readonly string[]): void {
    for (const place of places) this.#held.set(place, this.#holders(place) + 1);
  }

  /** What others have left to who is the last to hold it. */
  takeLeft(places: readonly string[]): readonly KeptVersion[] {
    return places.flatMap((place) => {
      const left = this.#left.get(place);
      if (left === undefined || this.#holders(place) > 1) return [];
      this.#left.delete(place);
      return [left];
    });
  }

  release(places: readonly string[]): void {
    for (const place of places) {
      const others = this.#holders(place) - 1;
      if (others === 0) this.#held.delete(place);
      else this.#held.set(place, others);
    }
  }

  #holders(place: string): number {
    return this.#held.get(place) ?? 0;
  }

  /**
   * Keeps the bytes of a version that is being written, and tells what they are. Fails with a `StorageError`, or as the body fails; nothing is
   * left then.
   */
  async keep(operation: string, body: Body, given: KeepOptions): Promise<KeptVersion> {
    const { attributes = {}, md5 } = given;
    const hashing = new HashingBody(body, { md5 });
    const bytes = hashing.body instanceof Uint8Array ? hashing.body : undefined;
    const kept = { operation, hashing, given };
    const { token, verification, isNew } = await (bytes === undefined
      ? this.#keepStream(kept)
      : this.#keepWhole(kept, bytes));
    const { size, sha256 } = hashing;
    if (bytes !== undefined) this.recent.add(operation, sha256, bytes);
    return {
      content: makeContent({ size, sha256, md5: hashing.md5, attributes }),
      copy: { store: this.storage.place, state: 'AVAILABLE', place: versionPlace(operation), token, verification },
      isNew,
    };
  }

  async #keepWhole({ operation, hashing, given }: Keeping, bytes: Uint8Array): Promise<Placed> {
    this.#demandExactly(operation, hashing, given.exactly);
    const { attributes = {}, signal } = given;
    const key = versionPlace(operation);
    const options = { attributes, mark: { operation, sha256: hashing.sha256 }, size: bytes.length };
    if (this.#put !== undefined && signal?.aborted !== true) {
      // What fails goes the long way, which tries again, and tells why.
      const placed = await this.#put.add({ key, bytes, options }).catch((error: unknown) => {
        if (!(error instanceof StorageError)) throw error;
      });
      if (placed !== undefined) return { ...placed, isNew: true };
    }
    const staged = await this.storage.stage(key, bytes, signal === undefined ? options : { ...options, signal });
    return this.#publish(staged, options.mark);
  }

  async #keepStream({ operation, hashing, given }: Keeping): Promise<Placed> {
    const { attributes = {}, size, signal, exactly } = given;
    const staged = await this.storage
      .stage(versionPlace(operation), hashing.body, {
        attributes,
        mark: { operation, sha256: undefined },
        ...(size === undefined ? {} : { size }),
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        throw hashing.failure ?? error;
      });
    try {
      this.#demandExactly(operation, hashing, exactly);
    } catch (error) {
      await this.storage.discard([staged]).catch(() => undefined);
      throw error;
    }
    return this.#publish(staged, { operation, sha256: hashing.sha256 });
  }

  /** The very bytes may lie there: brought by somebody else at this moment, or by somebody who died before he recorded them. */
  async #publish(staged: Staged, mark: { readonly operation: string; readonly sha256: string }): Promise<Placed> {
    try {
      return { ...(await this.#published.add({ staged, options: { ifAbsent: true, mark } })), isNew: true };
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'precondition-failed') throw error;
      const { head, body } = await this.storage.get(staged.key);
      const there = new HashingBody(body);
      await there.drain();
      if (there.sha256 !== mark.sha256) throw error;
      return { token: head.token, verification: 'read-back', isNew: false };
    }
  }

  /** Keeps the bytes of a version that somebody else wrote; bytes of another length or hash are `corrupt`, and not kept. */
  keepExactly(operation: string, content: ObjectContent, body: Body, signal: AbortSignal): Promise<KeptVersion> {
    return this.keep(operation, body, {
      attributes: attributesOf(content),
      size: content.size,
      exactly: content,
      signal,
    });
  }

  /** `corrupt` where the bytes are not what they should be. */
  #demandExactly(operation: string, { size, sha256 }: HashingBody, content: ObjectContent | undefined): void {
    if (content === undefined) return;
    if (size === content.size && (content.sha256 === undefined || sha256 === content.sha256)) return;
    const came = size === content.size ? `bytes with the hash ${sha256}` : `${size} bytes`;
    throw new StorageError(
      'corrupt',
      { store: this.storage.name, key: operation },
      `${came} came for a version of ${content.size} bytes with the hash ${content.sha256 ?? 'unknown'}`,
    );
  }

  /** What was kept, is held, and is recorded nowhere. Where somebody else has brought it, or may be about to record it, it stays. */
  async discard(kept: KeptVersion): Promise<void> {
    const { isNew, copy } = kept;
    if (!isNew) return;
    if (this.#holders(copy.place) > 1) this.#left.set(copy.place, kept);
    else await this.storage.delete(copy.place, copy.token === undefined ? {} : { ifToken: copy.token });
  }
}

/** A version whose bytes are being kept. */
interface Keeping {
  readonly operation: string;
  readonly hashing: HashingBody;
  readonly given: KeepOptions;
}

type Placed = Published & { readonly isNew: boolean };

export interface KeepOptions {
  readonly attributes?: Attributes | undefined;
  /** In bytes, where the caller knows it. */
  readonly size?: number | undefined;
  /** Have it in the content, too. */
  readonly md5?: boolean | undefined;
  /** What the bytes have to be; others are `corrupt`. */
  readonly exactly?: ObjectContent | undefined;
  readonly signal?: AbortSignal | undefined;
}
