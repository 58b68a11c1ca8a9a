import { compareKeys, escapeKey } from '../../domain/object/key.ts';
import { type Listed, type ListingPage, type ListingText, StorageError } from '../../ports/storage.ts';

/**
 * A listing read one object at a time without waiting at each: `current` is the object at hand, `advance` steps inside the page,
 * and only at its end must `fill` be awaited. Insists on byte order: a merge over anything else would delete what it just added.
 */
export class ListingCursor {
  current: Listed | undefined;
  /** Of a page that came as text, until it is stepped into (`expand`) or passed as a whole (`pass`); `current` is undefined so long. */
  text: ListingText | undefined;
  readonly #store: string;
  readonly #pages: AsyncIterator<ListingPage>;
  readonly #onPage: (page: ListingPage) => void;
  #page: ListingPage | undefined;
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
    return this.current === undefined && this.text === undefined && !this.#done;
  }

  advance(): void {
    this.current = this.#objects[++this.#at];
  }

  async fill(): Promise<void> {
    await this.fillPage();
    this.expand();
  }

  /** As `fill`, but for a page that came as text: nothing of it is looked at yet. */
  async fillPage(): Promise<void> {
    while (this.isEmpty) {
      const step = await this.#pages.next();
      if (step.done === true) {
        this.#done = true;
        return;
      }
      this.#onPage(step.value);
      this.#page = step.value;
      this.text = step.value.text;
      if (this.text === undefined) this.#begin(step.value.objects);
    }
  }

  expand(): void {
    if (this.text === undefined) return;
    this.text = undefined;
    this.#begin((this.#page as ListingPage).objects);
  }

  /** Of a page whose keys somebody else has found in order. */
  pass({ first, last }: { readonly first: string; readonly last: string }): void {
    this.#checkNext(first);
    this.#lastKey = last;
    this.text = undefined;
  }

  #begin(objects: readonly Listed[]): void {
    for (const { key } of objects) {
      this.#checkNext(key);
      this.#lastKey = key;
    }
    this.#objects = objects;
    this.#at = 0;
    this.current = objects[0];
  }

  async close(): Promise<void> {
    this.#done = true;
    this.current = undefined;
    this.text = undefined;
    await this.#pages.return?.();
  }

  #checkNext(key: string): void {
    if (this.#lastKey === undefined || compareKeys(this.#lastKey, key) < 0) return;
    const keys = `${escapeKey(this.#lastKey)} before ${escapeKey(key)}`;
    throw new StorageError(
      'corrupt',
      { store: this.#store },
      `the listing is not in byte order (${keys}); nothing was concluded from it`,
    );
  }
}
