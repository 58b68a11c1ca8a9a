import type { PlannedItem } from './plan-object.ts';

type Page = readonly PlannedItem[];

/**
 * How far a run has come: pages are sent in the order of their names and end in any order, so the position is the last name of
 * the pages that ended without a gap.
 */
export class PageOrder {
  readonly #sent: Page[] = [];
  readonly #ended = new Set<Page>();
  #position = '';

  get position(): string {
    return this.#position;
  }

  sent(page: Page): void {
    this.#sent.push(page);
  }

  ended(page: Page): void {
    this.#ended.add(page);
    for (let first = this.#sent[0]; first !== undefined && this.#ended.delete(first); first = this.#sent[0]) {
      this.#position = first.at(-1)?.item.key ?? this.#position;
      this.#sent.shift();
    }
  }
}
