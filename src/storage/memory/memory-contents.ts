import { compareKeys } from '../../domain/object/key.ts';
import type { Attributes, Mark } from '../../ports/storage.ts';
import type { LeaseRecord } from '../store-lease.ts';

export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly token: string;
  readonly modifiedNs: bigint;
  readonly attributes: Attributes;
  readonly mark: Mark;
  readonly sha256: string;
}

/** What one memory store holds. Several openings may share it, as several processes share a disk. */
export class MemoryContents {
  lease: LeaseRecord | undefined;
  readonly #objects = new Map<string, StoredObject>();
  /** Keys in byte order; undefined after a key came or went, made again by the next listing. */
  #sorted: string[] | undefined = [];
  #tokens = 0;
  #writers = 0;

  nextToken(): string {
    return `m${++this.#tokens}`;
  }

  nextWriter(): number {
    return ++this.#writers;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  set(key: string, object: StoredObject): void {
    if (!this.#objects.has(key)) this.#sorted = undefined;
    this.#objects.set(key, object);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#sorted = undefined;
  }

  /** Up to `limit` keys that begin with `prefix`, from after `after`, in byte order. */
  keysAfter(prefix: string, after: string | undefined, limit: number): string[] {
    this.#sorted ??= [...this.#objects.keys()].sort(compareKeys);
    const keys: string[] = [];
    for (let at = firstIndex(this.#sorted, prefix, after); keys.length < limit; at++) {
      const key = this.#sorted[at];
      if (key === undefined || !key.startsWith(prefix)) break;
      keys.push(key);
    }
    return keys;
  }
}

/** Index of the first key that is at least `prefix` and greater than `after`. */
function firstIndex(sorted: readonly string[], prefix: string, after: string | undefined): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const key = sorted[middle] as string;
    const before = compareKeys(key, prefix) < 0 || (after !== undefined && compareKeys(key, after) <= 0);
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}
