import { hash } from 'node:crypto';
import type { Token } from '../../ports/storage.ts';
import { openBody } from '../http-body.ts';
import { failureOf, toStorageError } from './errors.ts';
import { quoted, tokenOf } from './etag.ts';
import { headerOf } from './http-exchange.ts';
import { listPage } from './list-page.ts';
import { lengthOf } from './read-head.ts';
import type { Condition, S3Bucket } from './s3-bucket.ts';

/** Small JSON documents Pando keeps under `.pando/` in the bucket. */
export interface OwnDocument {
  readonly text: string;
  readonly token: Token;
}

export interface OwnDocumentListed {
  readonly name: string;
  readonly writtenMs: number;
}

/** What is longer was not written by us. */
const DOCUMENT_BYTES_MAX = 64 * 1024;
/** One page of a listing. */
const PAGE_DOCUMENTS = 1000;

export async function readOwn(bucket: S3Bucket, name: string): Promise<OwnDocument | undefined> {
  const { key, fullKey } = bucket.keys.ownAt(name);
  try {
    const answer = await bucket.connection.request({ method: 'GET', fullKey }, { key, retried: true });
    const sent = lengthOf(answer);
    const wanted = { start: 0, end: Math.min(sent, DOCUMENT_BYTES_MAX) };
    const { idleMs } = bucket.connection.timeouts;
    const toError = (error: Error) => toStorageError(error, { store: bucket.name, key });
    const body = openBody(answer, { store: bucket.name, key, wanted, sent, idleMs, signal: undefined, toError });
    const chunks = await Array.fromAsync(body);
    return { text: Buffer.concat(chunks).toString('utf8'), token: tokenOf(headerOf(answer, 'etag')) };
  } catch (error) {
    if (failureOf(error)?.code === 'NoSuchKey') return undefined;
    throw error;
  }
}

export async function writeOwn(bucket: S3Bucket, name: string, text: string, condition?: Condition): Promise<Token> {
  const bytes = Buffer.from(text, 'utf8');
  const input = { bytes, sha256: hash('sha256', bytes), contentType: 'application/json', metadata: {} };
  return (await bucket.put(bucket.keys.ownAt(name), input, condition)).token;
}

/** With `ifToken` the server is asked once, and to see to it that the document is this one; not every server does. */
export async function deleteOwn(bucket: S3Bucket, name: string, options: { ifToken?: Token } = {}): Promise<void> {
  const { ifToken } = options;
  const at = bucket.keys.ownAt(name);
  if (ifToken === undefined) await bucket.delete(at, { retried: true });
  else await bucket.delete(at, { headers: { 'if-match': quoted(ifToken) } });
}

/** Documents below a directory whose name ends with `/`, in order, from after the name `after`: one page. */
export async function listOwn(
  bucket: S3Bucket,
  directory: string,
  after?: string,
  limit = PAGE_DOCUMENTS,
): Promise<readonly OwnDocumentListed[]> {
  const { key, fullKey } = bucket.keys.ownAt(directory);
  const startAfter = after === undefined ? undefined : bucket.keys.ownAt(after).fullKey;
  const { objects } = await listPage(bucket.connection, { prefix: fullKey, limit, startAfter }, { key });
  const own = bucket.keys.ownAt('').fullKey.length;
  return objects.map((one) => ({
    name: decodeURIComponent(one.key ?? '').slice(own),
    writtenMs: one.modified?.getTime() ?? 0,
  }));
}
