import type { S3Connection, SendOptions } from './s3-connection.ts';
import { notAsked, type XmlAnswer } from './xml-answer.ts';

export interface ObjectsQuery {
  readonly prefix: string;
  readonly limit: number;
  readonly startAfter?: string | undefined;
  /** Where the page before ended, as it said; then `startAfter` is of no meaning. */
  readonly token?: string | undefined;
}

export interface ListedObject {
  readonly key: string | undefined;
  readonly size: number | undefined;
  readonly etag: string | undefined;
  readonly modified: Date | undefined;
}

export interface ObjectsListed {
  readonly objects: readonly ListedObject[];
  /** Keys are percent-encoded. */
  readonly isEncoded: boolean;
  readonly goesOn: boolean;
  readonly nextToken: string | undefined;
}

/** One page of ListObjectsV2. */
export function listPage(
  connection: S3Connection,
  { prefix, limit, startAfter, token }: ObjectsQuery,
  options: SendOptions,
): Promise<ObjectsListed> {
  const from = token === undefined ? startAfter : undefined;
  const query = {
    'list-type': '2',
    'encoding-type': 'url',
    'max-keys': String(limit),
    prefix,
    ...(token === undefined ? {} : { 'continuation-token': token }),
    ...(from === undefined ? {} : { 'start-after': from }),
  };
  return connection.ask({ method: 'GET', fullKey: '', query }, options, (answer) => ({
    goesOn: readGoesOn(answer, 'ListBucketResult'),
    isEncoded: answer.text('EncodingType') === 'url',
    nextToken: answer.text('NextContinuationToken'),
    objects: answer.all('Contents').map((one) => ({
      key: one.text('Key'),
      size: one.number('Size'),
      etag: one.text('ETag'),
      modified: one.date('LastModified'),
    })),
  }));
}

/**
 * Every listing says whether it goes on. The page of something else on the way does not, and must not be taken for a complete listing
 * with nothing in it (I9).
 */
export function readGoesOn(answer: XmlAnswer, root: string): boolean {
  if (answer.name !== root) throw notAsked();
  const text = answer.text('IsTruncated');
  if (text !== 'true' && text !== 'false') throw notAsked();
  return text === 'true';
}
