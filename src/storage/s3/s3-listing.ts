import { compareKeys } from '../../domain/object/key.ts';
import {
  type Listed,
  type ListingFailure,
  type ListingPage,
  type ListOptions,
  StorageError,
} from '../../ports/storage.ts';
import { isBucketMissing } from './errors.ts';
import { tokenOf } from './etag.ts';
import { listPage } from './list-page.ts';
import { dateNs } from './read-head.ts';
import type { S3Bucket } from './s3-bucket.ts';

/** S3 gives no more than this at once. */
const PAGE_OBJECTS = 1000;

/**
 * ListObjectsV2, page by page, in byte order. A page that is not in order would make a merge miss objects, so it fails as
 * `corrupt`. The time told is when the store received the object: a listing does not tell the one in its metadata.
 */
export async function* listObjects(
  bucket: S3Bucket,
  prefix: string,
  options: ListOptions,
): AsyncGenerator<ListingPage> {
  const { connection, keys, name } = bucket;
  let startAfter =
    options.startAfter === undefined || options.startAfter === '' ? undefined : keys.listed(options.startAfter);
  let token: string | undefined;
  let last = options.startAfter ?? '';
  while (true) {
    if (options.signal?.aborted === true) throw new StorageError('aborted', { store: name }, 'it was aborted');
    const query = { prefix: keys.listed(prefix), limit: PAGE_OBJECTS, startAfter, token };
    const answer = await listPage(connection, query, { signal: options.signal, retried: true }).catch(
      (error: unknown) => {
        if (!isBucketMissing(error)) throw error;
        throw new StorageError(
          'not-found',
          { store: name },
          `the bucket ${bucket.bucket} does not exist`,
          (error as Error).cause,
        );
      },
    );
    const objects: Listed[] = [];
    const failures: ListingFailure[] = [];
    let markers = 0;
    let afterReserved: string | undefined;
    for (const { key = '', size = -1, etag, modified } of answer.objects) {
      if (key === '' || !Number.isSafeInteger(size) || size < 0)
        throw new StorageError('corrupt', { store: name }, 'the listing has an entry without a key or a size');
      const listed = keys.readListed(key, answer.isEncoded, prefix);
      afterReserved = listed.kind === 'own' ? listed.after : undefined;
      if (listed.kind === 'marker') markers++;
      if (listed.kind === 'failure') {
        const { failure: kind, shown, protects, message } = listed;
        failures.push({ kind, shown, protects, message });
      }
      if (listed.kind !== 'object') continue;
      if (last !== '' && compareKeys(listed.key, last) <= 0) throw outOfOrder(name, last, listed.key);
      last = listed.key;
      objects.push({ key: listed.key, size, token: tokenOf(etag), modifiedNs: dateNs(modified) });
    }
    yield { objects, failures, markers };
    if (!answer.goesOn) return;
    const before = afterReserved === undefined ? token : startAfter;
    // Thousands of Pando's own documents need not be listed to be left out.
    if (afterReserved !== undefined) startAfter = keys.listed(afterReserved);
    token = afterReserved !== undefined ? undefined : answer.nextToken;
    const next = token ?? startAfter;
    if (afterReserved === undefined && token === undefined)
      throw new StorageError('corrupt', { store: name }, 'the listing says that it goes on, and not where');
    if (next === before) throw new StorageError('corrupt', { store: name }, 'the listing goes on where it was before');
  }
}

function outOfOrder(store: string, before: string, after: string): StorageError {
  return new StorageError(
    'corrupt',
    { store, key: after },
    `the listing is not in order: it comes after ${JSON.stringify(before)}`,
  );
}
