import type { Catalog } from '../../ports/catalog.ts';
import type { Scratch } from '../../ports/scratch.ts';
import { countListed, type ListingPage, type Storage } from '../../ports/storage.ts';
import { ListingCursor } from './cursor.ts';
import { isFailureExcluded } from './excluded-failure.ts';
import { KnownCursor } from './known-cursor.ts';
import { type MergeInput, mergeListings } from './merge-listings.ts';
import { ProtectedNames } from './protected-names.ts';
import { sortListing } from './sort-listing.ts';
import { checkSourceStays } from './source-stays.ts';
import type { SyncOptions } from './sync-types.ts';
import type { Tally } from './tally.ts';

export interface SyncListingsOptions {
  readonly catalog: Pick<Catalog, 'scanScope' | 'areRecorded'>;
  readonly scope: string;
  readonly source: Storage;
  readonly targets: readonly Storage[];
  /** Places: the source's, then the targets'. */
  readonly stores: readonly string[];
  readonly options: SyncOptions;
  readonly tally: Tally;
  readonly signal: AbortSignal;
  /** For stores whose listings have no order. */
  readonly openScratch: () => Scratch;
}

/** All listings of a run joined, and what was learnt on the way of what they could not show. */
export class SyncListings {
  readonly #o: SyncListingsOptions;
  /** Names that may be at the source although no listing showed them. */
  readonly protected = new ProtectedNames();
  /** Objects of any kind the source's listing showed. */
  #sourceListed = 0;
  /** The source's listing showed nothing at all: no object, nothing that could not be listed, no directory marker. */
  isSourceEmpty = true;

  constructor(options: SyncListingsOptions) {
    this.#o = options;
  }

  /** Visits every name once, in order. What is counted of a listing is counted only from its beginning, not when gone on with. */
  async merge(
    startAfter: string | undefined,
    on: Pick<MergeInput, 'visit' | 'visitRecorded' | 'pause'>,
  ): Promise<void> {
    const { catalog, source, targets, scope, stores, options, signal, tally } = this.#o;
    const { prefix, dryRun } = options;
    const after = startAfter === undefined ? {} : { startAfter };
    const isFirst = startAfter === undefined;
    await using scratch = this.#o.openScratch();
    const list = (storage: Storage): AsyncIterable<ListingPage> => {
      const pages = storage.list(prefix, { signal, ...after });
      return storage.capabilities.sortedListing ? pages : sortListing(pages, scratch);
    };
    const open = (storage: Storage, onPage: (page: ListingPage) => void): ListingCursor =>
      new ListingCursor({ store: storage.name, pages: list(storage), onPage });
    const sourceCursor = open(source, (page) => this.#noteSourcePage(page, isFirst));
    const targetCursors = targets.map((storage, index) =>
      tally.isOut(index) ? undefined : open(storage, (page) => this.#noteTargetPage(index, page, isFirst)),
    );
    // Where nothing is copied, only the catalog's hash tells whether bytes must be read to know what they are.
    const details = targets.length === 0;
    const levels = options.verify !== undefined;
    const known = new KnownCursor(catalog, { scope, prefix, stores, details, levels, startAfter });
    try {
      await mergeListings({
        source: sourceCursor,
        targets: targetCursors,
        known,
        onTargetFailure: (target, error) => {
          // A dry run has not made the target: nothing is there yet.
          if (dryRun && error.kind === 'not-found') return;
          if (error.kind !== 'aborted') tally.giveUp(target, error);
        },
        ...on,
      });
    } finally {
      await Promise.all([sourceCursor.close(), known.close(), ...targetCursors.map((cursor) => cursor?.close())]);
    }
  }

  /** Before anything is concluded from what the source does not have. Fails where the whole source went away. */
  async checkSourceStays(): Promise<void> {
    const { source, options, signal } = this.#o;
    if (this.#sourceListed > 0) await checkSourceStays(source, options.prefix, signal);
  }

  #noteSourcePage(page: ListingPage, isFirst: boolean): void {
    const { tally, options } = this.#o;
    this.#sourceListed += countListed(page);
    this.isSourceEmpty &&= countListed(page) + page.failures.length + page.markers === 0;
    for (const failure of page.failures) {
      if (isFailureExcluded(options.filter, failure)) continue;
      this.protected.add(failure.protects);
      if (isFirst) tally.failListed(undefined, failure);
    }
    if (isFirst) tally.source.markers += page.markers;
  }

  #noteTargetPage(target: number, page: ListingPage, isFirst: boolean): void {
    if (!isFirst) return;
    const { tally, options } = this.#o;
    tally.target(target).listed += countListed(page);
    for (const failure of page.failures)
      if (!isFailureExcluded(options.filter, failure)) tally.failListed(target, failure);
  }
}
