import type { ObjectContent } from '../../domain/object/version.ts';
import type { Arrived } from '../../ports/journal.ts';
import {
  type Attributes,
  type Body,
  type Published,
  type Staged,
  type Storage,
  StorageError,
} from '../../ports/storage.ts';
import { HashingBody } from '../hashing-body.ts';
import { attributesOf, makeContent } from '../object-content.ts';
import { PublishTogether } from './publish-together.ts';
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
  readonly #together: PublishTogether;
  /** Places whose bytes somebody is about to record, and how many are. */
  readonly #held = new Map<string, number>();
  /** What one of several would have discarded. */
  readonly #left = new Map<string, KeptVersion>();

  constructor(storage: Storage) {
    this.storage = storage;
    this.#together = new PublishTogether(storage);
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
    const { attributes = {}, size, signal, md5 } = given;
    const place = versionPlace(operation);
    const hashing = new HashingBody(body, { md5 });
    const sha256 = hashing.body instanceof Uint8Array ? hashing.sha256 : undefined;
    const staged = await this.storage
      .stage(place, hashing.body, {
        attributes,
        mark: { operation, sha256 },
        ...(size === undefined ? {} : { size }),
        ...(signal === undefined ? {} : { signal }),
      })
      .catch((error: unknown) => {
        throw hashing.failure ?? error;
      });
    const { sha256: hash } = hashing;
    const { token, verification, isNew } = await this.#publish(staged, operation, hash);
    return {
      content: makeContent({ size: hashing.size, sha256: hash, md5: hashing.md5, attributes }),
      copy: { store: this.storage.place, state: 'AVAILABLE', place, token, verification },
      isNew,
    };
  }

  /** The very bytes may lie there: brought by somebody else at this moment, or by somebody who died before he recorded them. */
  async #publish(staged: Staged, operation: string, sha256: string): Promise<Published & { readonly isNew: boolean }> {
    try {
      const options = { ifAbsent: true, mark: { operation, sha256 } };
      return { ...(await this.#together.publish(staged, options)), isNew: true };
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind !== 'precondition-failed') throw error;
      const { head, body } = await this.storage.get(staged.key);
      const there = new HashingBody(body);
      await there.drain();
      if (there.sha256 !== sha256) throw error;
      return { token: head.token, verification: 'read-back', isNew: false };
    }
  }

  /** Keeps the bytes of a version that somebody else wrote; bytes of another length or hash are `corrupt`, and not kept. */
  async keepExactly(operation: string, content: ObjectContent, body: Body, signal: AbortSignal): Promise<KeptVersion> {
    const checked = body instanceof Uint8Array ? body : checkedBody(body, content, this.storage, operation);
    if (body instanceof Uint8Array) check(new HashingBody(body), content, this.storage, operation);
    return this.keep(operation, checked, { attributes: attributesOf(content), size: content.size, signal });
  }

  /** What was kept, is held, and is recorded nowhere. Where somebody else has brought it, or may be about to record it, it stays. */
  async discard(kept: KeptVersion): Promise<void> {
    const { isNew, copy } = kept;
    if (!isNew) return;
    if (this.#holders(copy.place) > 1) this.#left.set(copy.place, kept);
    else await this.storage.delete(copy.place, copy.token === undefined ? {} : { ifToken: copy.token });
  }
}

export interface KeepOptions {
  readonly attributes?: Attributes | undefined;
  /** In bytes, where the caller knows it. */
  readonly size?: number | undefined;
  /** Have it in the content, too. */
  readonly md5?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

async function* checkedBody(
  body: AsyncIterable<Uint8Array>,
  content: ObjectContent,
  store: Storage,
  operation: string,
): AsyncGenerator<Uint8Array> {
  const hashing = new HashingBody(body);
  yield* hashing.body as AsyncIterable<Uint8Array>;
  check(hashing, content, store, operation);
}

function check({ size, sha256 }: HashingBody, content: ObjectContent, { name }: Storage, operation: string): void {
  if (size === content.size && (content.sha256 === undefined || sha256 === content.sha256)) return;
  const came = size === content.size ? `bytes with the hash ${sha256}` : `${size} bytes`;
  throw new StorageError(
    'corrupt',
    { store: name, key: operation },
    `${came} came for a version of ${content.size} bytes with the hash ${content.sha256 ?? 'unknown'}`,
  );
}
