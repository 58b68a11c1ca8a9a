import type { Listed, ListingFailure, ListingPage, ListingText } from '../../ports/storage.ts';
import { type FileStatus, joinTime } from './file-status.ts';

/** A page as it crosses a thread: few large values instead of thousands of small ones. NUL cannot be part of a key. */
export interface ListingColumns {
  readonly keys: string;
  readonly tokens: string;
  readonly sizes: Float64Array<ArrayBuffer>;
  /** Whole seconds, and the nanoseconds to be added. */
  readonly seconds: Float64Array<ArrayBuffer>;
  readonly nanoseconds: Uint32Array<ArrayBuffer>;
  readonly failures: readonly ListingFailure[];
}

/** A page while it is collected. */
export class ColumnsBuilder {
  readonly #max: number;
  #keys: string[] = [];
  #tokens: string[] = [];
  #sizes: Float64Array<ArrayBuffer>;
  #seconds: Float64Array<ArrayBuffer>;
  #nanoseconds: Uint32Array<ArrayBuffer>;
  readonly failures: ListingFailure[] = [];

  /** Holds up to `max` objects. */
  constructor(max: number) {
    this.#max = max;
    this.#sizes = new Float64Array(max);
    this.#seconds = new Float64Array(max);
    this.#nanoseconds = new Uint32Array(max);
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0 && this.failures.length === 0;
  }

  get objects(): number {
    return this.#keys.length;
  }

  get isFull(): boolean {
    return this.#keys.length >= this.#max || this.failures.length >= this.#max;
  }

  add(key: string, status: FileStatus): void {
    const at = this.#keys.length;
    this.#keys.push(key);
    this.#tokens.push(status.token);
    this.#sizes[at] = status.size;
    this.#seconds[at] = status.seconds;
    this.#nanoseconds[at] = status.nanoseconds;
  }

  /** What was collected; the builder begins anew. */
  take(): ListingColumns {
    const count = this.#keys.length;
    const page = {
      keys: this.#keys.join('\0'),
      tokens: this.#tokens.join('\0'),
      sizes: this.#sizes.slice(0, count),
      seconds: this.#seconds.slice(0, count),
      nanoseconds: this.#nanoseconds.slice(0, count),
      failures: this.failures.splice(0),
    };
    this.#keys = [];
    this.#tokens = [];
    return page;
  }
}

/** A page that is made of this one keeps its objects, and not the text: that would still be of all of them. */
export function fromColumns(columns: ListingColumns): ListingPage {
  let objects: readonly Listed[] | undefined;
  const page = {
    get objects() {
      objects ??= toRows(columns);
      return objects;
    },
    failures: columns.failures,
    markers: 0,
  };
  const text: ListingText | undefined = columns.sizes.length === 0 ? undefined : columns;
  return Object.defineProperty(page, 'text', { value: text });
}

function toRows(columns: ListingColumns): readonly Listed[] {
  const count = columns.sizes.length;
  const keys = count === 0 ? [] : columns.keys.split('\0');
  const tokens = columns.tokens.split('\0');
  const objects: Listed[] = [];
  for (let i = 0; i < count; i++) objects.push(new Row(keys[i] as string, tokens[i] as string, columns, i));
  return objects;
}

/** Of nearly all objects nobody asks the time: it becomes a bigint when somebody does. */
class Row implements Listed {
  readonly key: string;
  readonly token: string;
  readonly size: number;
  readonly #columns: ListingColumns;
  readonly #at: number;

  constructor(key: string, token: string, columns: ListingColumns, at: number) {
    this.key = key;
    this.token = token;
    this.size = columns.sizes[at] as number;
    this.#columns = columns;
    this.#at = at;
  }

  get modifiedNs(): bigint {
    return joinTime(this.#columns.seconds[this.#at] as number, this.#columns.nanoseconds[this.#at] as number);
  }
}
