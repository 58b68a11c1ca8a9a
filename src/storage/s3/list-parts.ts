import { failureOf } from './errors.ts';
import { tokenOf } from './etag.ts';
import { isListing } from './is-listing.ts';
import type { ObjectAt } from './key-space.ts';
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
  let PartNumberMarker: string | undefined;
  try {
    do {
      const input = { Bucket: bucket.bucket, Key: at.fullKey, UploadId: uploadId, PartNumberMarker };
      const answer = await bucket.connection.send((sdk) => new sdk.ListPartsCommand(input), options, isListing);
      for (const { PartNumber, ETag, Size } of answer.Parts ?? []) {
        if (PartNumber !== undefined) held.set(PartNumber, { etag: tokenOf(ETag), size: Size ?? -1 });
      }
      PartNumberMarker = answer.IsTruncated === true ? answer.NextPartNumberMarker : undefined;
    } while (PartNumberMarker !== undefined);
    return held;
  } catch (error) {
    if (isNotFound(error) || failureOf(error)?.code === 'NoSuchUpload') return undefined;
    throw error;
  }
}
