import type { Catalog } from '../../ports/catalog.ts';
import { type AtSource, findCopiesOfOthers } from '../copies-of-others.ts';
import type { MergedObject } from './merge-listings.ts';

/**
 * Leaves out of a sync, and of a verify, what rules and uploads put at its source for other objects, or in a store inside. Only what the
 * catalog does not have there under its name is asked about, many at once: from the first such object on the others wait, so that all are
 * visited in the order of names.
 */
export class LeaveOutOthers {
  readonly #catalog: Pick<Catalog, 'listNearby' | 'readPlaces'>;
  readonly #at: AtSource;
  readonly #visit: (object: MergedObject) => void;
  #waiting: MergedObject[] = [];

  constructor(
    catalog: Pick<Catalog, 'listNearby' | 'readPlaces'>,
    at: AtSource,
    visit: (object: MergedObject) => void,
  ) {
    this.#catalog = catalog;
    this.#at = at;
    this.#visit = visit;
  }

  visit(object: MergedObject): void {
    if (this.#waiting.length === 0 && !isUnknown(object)) this.#visit(object);
    else this.#waiting.push(object);
  }

  /** To be awaited at each pause, and at the end. */
  async visitWaiting(): Promise<void> {
    const waiting = this.#waiting;
    this.#waiting = [];
    const unknown = waiting.filter(isUnknown).map(({ key }) => key);
    const others = await findCopiesOfOthers(this.#catalog, this.#at, unknown);
    for (const object of waiting) if (!others.has(object.key)) this.#visit(object);
  }
}

function isUnknown({ source, known }: MergedObject): boolean {
  return source !== undefined && known?.replica(0) === undefined;
}
