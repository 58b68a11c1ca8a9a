import { compareKeys, isReserved } from '../domain/object/key.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import { type Listed, type ListingFailure, type Storage, StorageError } from '../ports/storage.ts';
import { atSource, findCopiesOfOthers } from './copies-of-others.ts';
import { Deadline } from './deadline.ts';
import { type Attempt, attemptOf, ObjectError } from './object-error.ts';
import { hasSource, type ObjectScope, type OpenedScope } from './opened-scope.ts';
import { type CatalogName, scanNames } from './scan-names.ts';
import type { StoreHealth } from './store-health.ts';

export interface ListPorts {
  readonly catalog: Pick<Catalog, 'scanScope' | 'readObject' | 'listNearby' | 'readPlaces'>;
  readonly clock: Clock;
  readonly health: StoreHealth;
}

export interface ListArguments {
  readonly scope: ObjectScope;
  /** Names that begin with this. */
  readonly prefix?: string | undefined;
  /** Names after this one. */
  readonly startAfter?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ListedObject {
  readonly name: string;
  readonly size: number;
  readonly modifiedNs: bigint | undefined;
}

/**
 * The names of a scope, in byte order where the source's listing is. Iterated once.
 * The source says what there is. While it is unavailable, the catalog's names joined with the replicas' listings stand in, and
 * the listing is not complete: read `isComplete` after the last name.
 */
export class ObjectListing implements AsyncIterable<ListedObject> {
  readonly #ports: ListPorts;
  readonly #args: ListArguments;
  readonly #failures: ListingFailure[] = [];
  readonly #unlisted: ListingFailure[] = [];
  readonly #unavailable: Attempt[] = [];

  constructor(ports: ListPorts, args: ListArguments) {
    this.#ports = ports;
    this.#args = args;
  }

  /** False: some names may be missing. */
  get isComplete(): boolean {
    return this.#unavailable.length === 0 && this.#unlisted.length === 0;
  }

  /** Stores that could not be listed. */
  get unavailable(): readonly Attempt[] {
    return this.#unavailable;
  }

  /** What of the source could not be looked at: an object, or a directory and with it all below. */
  get unlisted(): readonly ListingFailure[] {
    return this.#unlisted;
  }

  /** What lies in the source and cannot be an object. */
  get failures(): readonly ListingFailure[] {
    return this.#failures;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<ListedObject> {
    const { scope, prefix = '', startAfter, signal } = this.#args;
    // What only begins so is a name as any other.
    if (isReserved(`${prefix}-`)) return;
    let last = startAfter;
    if (!hasSource(scope)) return yield* this.#fromCatalog(startAfter);
    try {
      for await (const listed of this.#fromSource(scope)) {
        last = listed.key;
        yield toListed(listed);
      }
      return;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      if (error.kind === 'aborted' || signal?.aborted === true) throw this.#error('aborted', error);
      const isBlank = last === startAfter;
      if (!isBlank && !scope.source.capabilities.sortedListing) throw this.#error('unavailable', error);
      this.#unavailable.push(attemptOf(error));
    }
    yield* this.#withoutSource(scope, last);
  }

  #error(kind: 'aborted' | 'unavailable', error: StorageError): ObjectError {
    const { scope, prefix = '' } = this.#args;
    return new ObjectError(kind, { scope: scope.name, name: prefix }, `listing broke off: ${error.message}`, {
      cause: error,
    });
  }

  /** What the source holds, without copies of other objects, and without what is deleted and still waits there to go. */
  async *#fromSource(scope: OpenedScope): AsyncGenerator<Listed> {
    const { prefix = '', startAfter } = this.#args;
    const isSorted = scope.source.capabilities.sortedListing;
    const { catalog } = this.#ports;
    const deleted = isSorted
      ? scanNames(catalog, { scope: scope.name, prefix, startAfter, store: scope.source.place })
      : undefined;
    let known = await deleted?.next();
    for await (const page of this.#pages(scope.source, startAfter)) {
      for (const failure of page.failures) (isUnlisted(failure) ? this.#unlisted : this.#failures).push(failure);
      const keys = page.objects.map(({ key }) => key);
      const others = await findCopiesOfOthers(catalog, atSource(scope), keys);
      for (const listed of page.objects) {
        if (others.has(listed.key)) continue;
        while (known?.done === false && compareKeys(known.value.name, listed.key) < 0) known = await deleted?.next();
        const isLeftover =
          known === undefined
            ? await this.#isLeftover(scope, listed)
            : known.done !== true &&
              known.value.name === listed.key &&
              known.value.isDeleted &&
              known.value.token === listed.token;
        if (!isLeftover) yield listed;
      }
    }
  }

  /** The bytes of a deleted object, which wait to be deleted there. */
  async #isLeftover(scope: OpenedScope, { key, token }: Listed): Promise<boolean> {
    const row = await this.#ports.catalog.readObject(scope.name, key);
    if (row?.current.content.kind !== 'tombstone') return false;
    return row.replicas.some((replica) => replica.store === scope.source.place && replica.token === token);
  }

  /** Catalog and replicas together: what is known, and what lies there; nothing that was deleted. */
  async *#withoutSource(scope: OpenedScope, startAfter: string | undefined): AsyncGenerator<ListedObject> {
    const { prefix = '' } = this.#args;
    const cursors: AsyncGenerator<CatalogName | Listed>[] = [
      scanNames(this.#ports.catalog, { scope: scope.name, prefix, startAfter, store: scope.source.place }),
    ];
    for (const { storage } of scope.replicas) cursors.push(this.#fromReplica(storage, startAfter));
    const heads = await Promise.all(cursors.map((cursor) => cursor.next()));
    for (;;) {
      const names = heads.flatMap((head) => (head.done === true ? [] : [nameOf(head.value)]));
      const name = names.reduce<string | undefined>(
        (least, one) => (least === undefined || compareKeys(one, least) < 0 ? one : least),
        undefined,
      );
      if (name === undefined) return;
      const found: (CatalogName | Listed)[] = [];
      for (const [at, head] of heads.entries()) {
        if (head.done === true || nameOf(head.value) !== name) continue;
        found.push(head.value);
        heads[at] = (await cursors[at]?.next()) ?? head;
      }
      const first = found[0];
      if (first !== undefined && !('isDeleted' in first && first.isDeleted)) yield toListed(first);
    }
  }

  /** Where no store's bytes are the objects by themselves, the catalog says what there is. */
  async *#fromCatalog(startAfter: string | undefined): AsyncGenerator<ListedObject> {
    const { scope, prefix = '' } = this.#args;
    for await (const known of scanNames(this.#ports.catalog, { scope: scope.name, prefix, startAfter }))
      if (!known.isDeleted) yield toListed(known);
  }

  async *#fromReplica(storage: Storage, startAfter: string | undefined): AsyncGenerator<Listed> {
    if (!storage.capabilities.sortedListing)
      return void this.#unavailable.push({
        store: storage.name,
        kind: 'unsupported',
        why: `${storage.name}: its listing has no order to be joined by`,
      });
    try {
      for await (const page of this.#pages(storage, startAfter)) yield* page.objects;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#unavailable.push(attemptOf(error));
    }
  }

  /** The pages of a store's listing, each under the deadline. */
  async *#pages(storage: Storage, startAfter: string | undefined) {
    const { scope, prefix = '', signal } = this.#args;
    using deadline = new Deadline(this.#ports.clock, scope.deadlineMs, { store: storage.name, key: prefix }, signal);
    const options = { signal: deadline.signal, ...(startAfter === undefined ? {} : { startAfter }) };
    const pages = storage.list(prefix, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const step = await deadline.within(() => pages.next());
        if (step.done === true) return;
        yield step.value;
      }
    } catch (error) {
      if (error instanceof StorageError) this.#ports.health.failed(storage.place, error);
      throw error;
    } finally {
      void Promise.resolve(pages.return?.()).catch(() => undefined);
    }
  }
}

/** What is told of the others is sure: that it is no object. */
function isUnlisted({ kind }: ListingFailure): boolean {
  return kind === 'denied' || kind === 'unavailable';
}

function nameOf(entry: CatalogName | Listed): string {
  return 'key' in entry ? entry.key : entry.name;
}

function toListed(entry: CatalogName | Listed): ListedObject {
  return { name: nameOf(entry), size: entry.size, modifiedNs: 'modifiedNs' in entry ? entry.modifiedNs : undefined };
}
