import { compareKeys, escapeKey } from '../../domain/object/key.ts';
import { type Listed, type ListingPage, StorageError } from '../../ports/storage.ts';

/**
 * A listing read one object at a time without waiting at each: `current` is the object at hand, `advance` steps inside the page,
 * and only at its end must `fill` be awaited. Insists on byte order: a merge over anything else would delete what it just added.
 */
export class ListingCursor {
  current: Listed | undefined;
  readonly #store: string;
  readonly #pages: AsyncIterator<ListingPage>;
  readonly #onPage: (page: ListingPage) => void;
  #objects: readonly Listed[] = [];
  #at = 0;
  #done = false;
  #lastKey: string | undefined;

  constructor(options: { store: string; pages: AsyncIterable<ListingPage>; onPage: (page: ListingPage) => void }) {
    this.#store = options.store;
    this.#pages = options.pages[Symbol.asyncIterator]();
    this.#onPage = options.onPage;
  }

  /** True when `fill` has to be awaited before `current` means anything. */
  get isEmpty(): boolean {
    return this.current === undefined && !this.#done;
  }

  advance(): void {
    this.current = this.#objects[++this.#at];
  }

  async fill(): Promise<void> {
    while (this.current === undefined && !this.#done) {
      const step = await this.#pages.next();
      if (step.done === true) {
        this.#done = true;
        return;
      }
      this.#onPage(step.value);
      this.#objects = step.value.objects;
      this.#at = 0;
      this.#checkOrder();
      this.current = this.#objects[0];
    }
  }

  async close(): Promise<void> {
    this.#done = true;
    this.current = undefined;
    await this.#pages.return?.();
  }

  #checkOrder(): void {
    for (const { key } of this.#objects) {
      if (this.#lastKey !== undefined && compareKeys(this.#lastKey, key) >= 0) {
        const keys = `${escapeKey(this.#lastKey)} before ${escapeKey(key)}`;
        throw new StorageError(
          'corrupt',
          { store: this.#store },
          `the listing is not in byte order (${keys}); nothing was concluded from it`,
        );
      }
      this.#lastKey = key;
    }
  }
}
