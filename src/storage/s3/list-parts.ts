import { failureOf } from './errors.ts';
import { tokenOf } from './etag.ts';
import type { ObjectAt } from './key-space.ts';
import { readGoesOn } from './list-page.ts';
import { isNotFound, type S3Bucket } from './s3-bucket.ts';

/** A part the server holds. */
export interface HeldPart {
  readonly etag: string;
  readonly size: number;
}

/** By number. */
export type HeldParts = ReadonlyMap<number, HeldPart>;

/** The parts of an upload the server holds, by number; undefined: it knows no such upload. */
export async function listParts(bucket: S3Bucket, at: ObjectAt, uploadId: string): Promise<HeldParts | undefined> {
  const held = new Map<number, HeldPart>();
  const options = { key: at.key, retried: true };
  let marker: string | undefined;
  try {
    do {
      const query = { uploadId, ...(marker === undefined ? {} : { 'part-number-marker': marker }) };
      marker = await bucket.connection.ask({ method: 'GET', fullKey: at.fullKey, query }, options, (answer) => {
        const goesOn = readGoesOn(answer, 'ListPartsResult');
        for (const part of answer.all('Part')) {
          const number = part.number('PartNumber');
          if (number !== undefined)
            held.set(number, { etag: tokenOf(part.text('ETag')), size: part.number('Size') ?? -1 });
        }
        return goesOn ? answer.text('NextPartNumberMarker') : undefined;
      });
    } while (marker !== undefined);
    return held;
  } catch (error) {
    if (isNotFound(error) || failureOf(error)?.code === 'NoSuchUpload') return undefined;
    throw error;
  }
}
