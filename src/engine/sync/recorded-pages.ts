import type { ListingText } from '../../ports/storage.ts';
import type { ListingCursor } from './cursor.ts';
import type { MergeInput } from './merge-listings.ts';

/** Where pages differ, so many at most are joined object by object before one is compared as a whole again. */
const PAGES_BETWEEN_MAX = 32;

/**
 * Nearly every object of nearly every run is what it was. Where the listings of a page are the same text, the catalog is asked whether
 * that is what it has, and no object of it is looked at.
 */
export class RecordedPages {
  readonly #input: MergeInput;
  /** Pages to be left to the join yet, and how many it will be after the next difference. */
  #left = 0;
  #between = 1;

  constructor(input: MergeInput) {
    this.#input = input;
  }

  /** Passes the page at hand, if it is of these; returns its last key. `visited`: up to here all keys were. */
  async pass(
    targets: readonly (ListingCursor | undefined)[],
    visited: string | undefined,
  ): Promise<string | undefined> {
    const { source, known, visitRecorded } = this.#input;
    const { text } = source;
    if (visitRecorded === undefined || text === undefined) return undefined;
    if (this.#left > 0) {
      this.#left--;
      return undefined;
    }
    const tokens = [text.tokens];
    for (const target of targets) {
      if (target?.text === undefined || !isAlike(target.text, text)) return this.#leave();
      tokens.push(target.text.tokens);
    }
    if (!(await known.areRecorded({ after: visited, names: text.keys, tokens }))) return this.#leave();
    this.#between = Math.max(1, this.#between / 2);
    const ends = { first: firstOf(text.keys), last: text.keys.slice(text.keys.lastIndexOf('\0') + 1) };
    for (const cursor of [source, ...targets]) cursor?.pass(ends);
    known.passTo(ends.last);
    visitRecorded(text);
    return ends.last;
  }

  #leave(): undefined {
    this.#left = this.#between - 1;
    this.#between = Math.min(PAGES_BETWEEN_MAX, this.#between * 2);
    return undefined;
  }
}

function firstOf(keys: string): string {
  const end = keys.indexOf('\0');
  return end < 0 ? keys : keys.slice(0, end);
}

function isAlike(a: ListingText, b: ListingText): boolean {
  return a.sizes.length === b.sizes.length && a.keys === b.keys && a.sizes.every((size, at) => size === b.sizes[at]);
}
