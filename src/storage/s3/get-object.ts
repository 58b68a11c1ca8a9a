import type { ByteSpan } from '../../domain/transfer/byte-range.ts';
import type { GetOptions, Got, Head } from '../../ports/storage.ts';
import { failureOf, isBucketMissing } from './errors.ts';
import { quoted } from './etag.ts';
import { headerOf } from './http-exchange.ts';
import type { ObjectAt } from './key-space.ts';
import { openBody } from './object-body.ts';
import { lengthOf, readHead } from './read-head.ts';
import { isPreconditionFailed, type S3Bucket } from './s3-bucket.ts';

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
    const range = parseContentRange(headerOf(answer, 'content-range'));
    const size = range?.size ?? lengthOf(answer);
    const { head } = readHead(answer, size);
    const wanted = wantedOf(span, range?.start ?? 0, size);
    const body = openBody(answer, {
      store: bucket.name,
      key: at.key,
      wanted,
      idleMs: connection.timeouts.idleMs,
      signal,
    });
    const length = wanted.end - wanted.start;
    return { head, body: length <= WHOLE_BODY_BYTES_MAX ? await readWhole(body, length) : body };
  } catch (error) {
    if (isBucketMissing(error)) throw bucket.bucketMissing(at.key, error);
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

/** Which of the bytes the server sends from `sentFrom` on were asked for. */
function wantedOf(span: ByteSpan | undefined, sentFrom: number, size: number): ByteSpan {
  if (span === undefined) return { start: 0, end: size };
  const end = Math.max(Math.min(span.end, size) - sentFrom, 0);
  return { start: Math.min(Math.max(span.start - sentFrom, 0), end), end };
}

function parseContentRange(text: string | undefined): { readonly start: number; readonly size: number } | undefined {
  const match = /^bytes (\d+)-\d+\/(\d+)$/.exec(text ?? '');
  return match === null ? undefined : { start: Number(match[1]), size: Number(match[2]) };
}

async function readWhole(body: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  let whole: Uint8Array | undefined;
  let filled = 0;
  for await (const chunk of body) {
    if (whole === undefined && chunk.length === length) {
      whole = chunk;
      filled = length;
      continue;
    }
    whole ??= new Uint8Array(length);
    whole.set(chunk, filled);
    filled += chunk.length;
  }
  return whole ?? NO_BYTES;
}
