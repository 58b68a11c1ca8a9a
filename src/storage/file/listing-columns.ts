import type { Listed, ListingFailure, ListingPage } from '../../ports/storage.ts';

/** A page as it crosses a thread: few large values instead of thousands of small ones. NUL cannot be part of a key. */
export interface ListingColumns {
  readonly keys: string;
  readonly tokens: string;
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly modifiedNs: BigInt64Array<ArrayBuffer>;
  readonly failures: readonly ListingFailure[];
}

/** A page while it is collected. */
export class ColumnsBuilder {
  readonly #max: number;
  #keys: string[] = [];
  #tokens: string[] = [];
  #sizes: Float64Array<ArrayBuffer>;
  #modifiedNs: BigInt64Array<ArrayBuffer>;
  readonly failures: ListingFailure[] = [];

  /** Holds up to `max` objects. */
  constructor(max: number) {
    this.#max = max;
    this.#sizes = new Float64Array(max);
    this.#modifiedNs = new BigInt64Array(max);
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0 && this.failures.length === 0;
  }

  get isFull(): boolean {
    return this.#keys.length >= this.#max || this.failures.length >= this.#max;
  }

  add(key: string, object: { readonly token: string; readonly size: number; readonly modifiedNs: bigint }): void {
    const at = this.#keys.length;
    this.#keys.push(key);
    this.#tokens.push(object.token);
    this.#sizes[at] = object.size;
    this.#modifiedNs[at] = object.modifiedNs;
  }

  /** What was collected; the builder begins anew. */
  take(): ListingColumns {
    const count = this.#keys.length;
    const page = {
      keys: this.#keys.join('\0'),
      tokens: this.#tokens.join('\0'),
      sizes: this.#sizes.slice(0, count),
      modifiedNs: this.#modifiedNs.slice(0, count),
      failures: this.failures.splice(0),
    };
    this.#keys = [];
    this.#tokens = [];
    return page;
  }
}

export function fromColumns(columns: ListingColumns): ListingPage {
  const count = columns.sizes.length;
  const keys = count === 0 ? [] : columns.keys.split('\0');
  const tokens = columns.tokens.split('\0');
  const objects: Listed[] = [];
  for (let i = 0; i < count; i++)
    objects.push(new Row(keys[i] as string, tokens[i] as string, columns.sizes[i] as number, columns.modifiedNs, i));
  return { objects, failures: columns.failures, markers: 0 };
}

/** Of nearly all objects nobody asks the time: it becomes a bigint when somebody does. */
class Row implements Listed {
  readonly key: string;
  readonly token: string;
  readonly size: number;
  readonly #times: BigInt64Array;
  readonly #at: number;

  constructor(key: string, token: string, size: number, times: BigInt64Array, at: number) {
    this.key = key;
    this.token = token;
    this.size = size;
    this.#times = times;
    this.#at = at;
  }

  get modifiedNs(): bigint | undefined {
    return this.#times[this.#at];
  }
}
