import { type GetOptions, type Got, type Head, StorageError } from '../../ports/storage.ts';
import { openBody, readWhole } from '../http-body.ts';
import { covers, sentOf, wantedOf } from '../http-range.ts';
import { failureOf, isBucketMissing, toStorageError } from './errors.ts';
import { quoted } from './etag.ts';
import type { ObjectAt } from './key-space.ts';
import { readHead } from './read-head.ts';
import { isNotFound, isPreconditionFailed, type S3Bucket } from './s3-bucket.ts';

/** A body up to this size is read before `get` returns: a small object is then one piece, and its failure is that of `get`. */
const WHOLE_BODY_BYTES_MAX = 256 * 1024;

const NO_BYTES = new Uint8Array(0);

/** One GET: the bytes asked for of exactly what the token names, with the head of the whole object. */
export async function getObject(bucket: S3Bucket, at: ObjectAt, { span, ifToken, signal }: GetOptions): Promise<Got> {
  if (span !== undefined && span.start >= span.end)
    return { head: await headOnly(bucket, at, { ifToken, signal }), body: NO_BYTES };
  const headers = {
    ...(span === undefined ? {} : { range: `bytes=${span.start}-${span.end - 1}` }),
    ...(ifToken === undefined ? {} : { 'if-match': quoted(ifToken) }),
  };
  const { connection } = bucket;
  try {
    const answer = await connection.request({ method: 'GET', fullKey: at.fullKey, headers }, { key: at.key, signal });
    const sent = sentOf(answer);
    const { head } = readHead(answer, sent?.size ?? 0);
    const isOther = ifToken !== undefined && head.token !== ifToken;
    const isElsewhere = sent === undefined || (span !== undefined && !covers(sent, span));
    if (isOther || isElsewhere) answer.destroy();
    // Not every server knows If-Match.
    if (isOther) throw bucket.preconditionFailed(at, { kind: 'token', token: ifToken });
    if (isElsewhere)
      throw new StorageError(
        'unavailable',
        { store: bucket.name, key: at.key },
        'other bytes came than were asked for',
      );
    const wanted = wantedOf(span, sent);
    const body = openBody(answer, {
      store: bucket.name,
      key: at.key,
      wanted,
      sent: sent.end - sent.start,
      idleMs: connection.timeouts.idleMs,
      signal,
      toError: (error) => toStorageError(error, { store: bucket.name, key: at.key }, signal),
    });
    const length = wanted.end - wanted.start;
    return { head, body: length <= WHOLE_BODY_BYTES_MAX ? await readWhole(body, length) : body };
  } catch (error) {
    if (isBucketMissing(error)) throw bucket.bucketMissing(at.key, error);
    // So says also what stands before a store that is down.
    if (isNotFound(error) && failureOf(error)?.code !== 'NoSuchKey') await bucket.demandBucket(at, { signal });
    if (isPreconditionFailed(error)) throw bucket.preconditionFailed(at, undefined, error);
    if (failureOf(error)?.status !== 416) throw error;
    return { head: await headOnly(bucket, at, { ifToken, signal }), body: NO_BYTES };
  }
}

/** No bytes are asked for, or there are none where they were: the head is the whole answer. */
async function headOnly(
  bucket: S3Bucket,
  at: ObjectAt,
  { ifToken, signal }: { ifToken: string | undefined; signal: AbortSignal | undefined },
): Promise<Head> {
  const { head } = await bucket.head(at, { signal });
  if (ifToken !== undefined && head.token !== ifToken) throw bucket.preconditionFailed(at, undefined);
  return head;
}
