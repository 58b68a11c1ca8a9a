import { compareKeys } from '../domain/object/key.ts';
import type { Scratch, ScratchRun } from '../ports/scratch.ts';

export interface SortOptions<Item> {
  readonly scratch: Scratch;
  readonly keyOf: (item: Item) => string;
  /** One line; JSON has no line feed of its own. */
  readonly encode: (item: Item) => string;
  readonly decode: (line: string) => Item;
  /** Items kept in memory. */
  readonly inMemory: number;
}

/** Lines handed to a run at once. */
const LINES_AT_ONCE = 8192;

/**
 * Items in the byte order of their keys: in memory as far as they fit, else in sorted runs that are then merged. Of equal keys the one
 * added first comes first.
 */
export class ExternalSort<Item> {
  readonly #o: SortOptions<Item>;
  readonly #runs: ScratchRun[] = [];
  #collected: Item[] = [];

  constructor(options: SortOptions<Item>) {
    this.#o = options;
  }

  async add(items: Iterable<Item>): Promise<void> {
    for (const item of items) {
      this.#collected.push(item);
      if (this.#collected.length < this.#o.inMemory) continue;
      this.#runs.push(await this.#writeRun());
      this.#collected = [];
    }
  }

  /** All that was added; once, and only after the last `add`. */
  async *sorted(): AsyncGenerator<Item> {
    const heap: Stream<Item>[] = [];
    for (const [order, run] of this.#runs.entries()) await this.#begin(heap, order, this.#blocksOf(run));
    await this.#begin(heap, this.#runs.length, once(this.#sort()));
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      yield first.items[first.at] as Item;
      if (++first.at >= first.items.length && !(await fill(first))) {
        const last = heap.pop() as Stream<Item>;
        if (heap.length > 0) heap[0] = last;
      }
      this.#sink(heap);
    }
  }

  /** Stable: of equal keys the one added last stays last. */
  #sort(): Item[] {
    const { keyOf } = this.#o;
    return this.#collected.sort((a, b) => compareKeys(keyOf(a), keyOf(b)));
  }

  async #writeRun(): Promise<ScratchRun> {
    const { scratch, encode } = this.#o;
    const run = await scratch.openRun();
    const sorted = this.#sort();
    for (let at = 0; at < sorted.length; at += LINES_AT_ONCE)
      await run.write(sorted.slice(at, at + LINES_AT_ONCE).map(encode));
    return run;
  }

  async *#blocksOf(run: ScratchRun): AsyncGenerator<readonly Item[]> {
    for await (const lines of run.read()) yield lines.map(this.#o.decode);
  }

  async #begin(heap: Stream<Item>[], order: number, blocks: AsyncIterable<readonly Item[]>): Promise<void> {
    const stream: Stream<Item> = { order, rest: blocks[Symbol.asyncIterator](), items: [], at: 0 };
    if (!(await fill(stream))) return;
    heap.push(stream);
    for (let at = heap.length - 1; at > 0; ) {
      const above = (at - 1) >> 1;
      if (!this.#isBefore(heap[at] as Stream<Item>, heap[above] as Stream<Item>)) return;
      swap(heap, at, above);
      at = above;
    }
  }

  #sink(heap: Stream<Item>[]): void {
    for (let at = 0; ; ) {
      let least = at;
      for (const below of [2 * at + 1, 2 * at + 2])
        if (below < heap.length && this.#isBefore(heap[below] as Stream<Item>, heap[least] as Stream<Item>))
          least = below;
      if (least === at) return;
      swap(heap, at, least);
      at = least;
    }
  }

  #isBefore(a: Stream<Item>, b: Stream<Item>): boolean {
    const { keyOf } = this.#o;
    const order = compareKeys(keyOf(a.items[a.at] as Item), keyOf(b.items[b.at] as Item));
    return order < 0 || (order === 0 && a.order < b.order);
  }
}

/** One of the sorted streams; `order` is the order in which its items were added. */
interface Stream<Item> {
  readonly order: number;
  readonly rest: AsyncIterator<readonly Item[]>;
  items: readonly Item[];
  at: number;
}

async function fill<Item>(stream: Stream<Item>): Promise<boolean> {
  for (;;) {
    const step = await stream.rest.next();
    if (step.done === true) return false;
    stream.items = step.value;
    stream.at = 0;
    if (step.value.length > 0) return true;
  }
}

function swap<Item>(heap: Stream<Item>[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b] as Stream<Item>, heap[a] as Stream<Item>];
}

async function* once<Item>(items: readonly Item[]): AsyncGenerator<readonly Item[]> {
  yield items;
}
