import type { Listed, ListingFailure, ListingPage } from '../../ports/storage.ts';

/** A page as it crosses a thread: few large values instead of thousands of small ones. NUL cannot be part of a key. */
export interface ListingColumns {
  readonly keys: string;
  readonly tokens: string;
  readonly sizes: Float64Array<ArrayBuffer>;
  readonly modifiedNs: BigInt64Array<ArrayBuffer>;
  readonly failures: readonly ListingFailure[];
}

export function toColumns(page: ListingPage): ListingColumns {
  const { objects } = page;
  const sizes = new Float64Array(objects.length);
  const modifiedNs = new BigInt64Array(objects.length);
  const keys: string[] = [];
  const tokens: string[] = [];
  for (let i = 0; i < objects.length; i++) {
    const object = objects[i] as Listed;
    keys.push(object.key);
    tokens.push(object.token);
    sizes[i] = object.size;
    modifiedNs[i] = object.modifiedNs ?? 0n;
  }
  return { keys: keys.join('\0'), tokens: tokens.join('\0'), sizes, modifiedNs, failures: page.failures };
}

export function fromColumns(columns: ListingColumns): ListingPage {
  const count = columns.sizes.length;
  const keys = count === 0 ? [] : columns.keys.split('\0');
  const tokens = columns.tokens.split('\0');
  const objects: Listed[] = [];
  for (let i = 0; i < count; i++) {
    objects.push({
      key: keys[i] as string,
      token: tokens[i] as string,
      size: columns.sizes[i] as number,
      modifiedNs: columns.modifiedNs[i],
    });
  }
  return { objects, failures: columns.failures, markers: 0 };
}
