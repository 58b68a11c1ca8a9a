import { hash } from 'node:crypto';
import { isNotFound, type S3Bucket } from './s3-bucket.ts';
import { failureOf } from './errors.ts';
import { tokenOf } from './etag.ts';
import type { ObjectAt } from './key-space.ts';
import type { HeldPart } from './part-upload.ts';

/** What is kept of an upload that another process may go on with. The parts themselves are asked from the server. */
export interface UploadState {
  readonly uploadId: string;
  /** Name of its entry in the register, and of the mark beside it. */
  readonly id: string;
  readonly key: string;
  readonly partBytes: number;
  /** Of metadata and size: they were fixed when the upload began. */
  readonly fingerprint: string;
  /** Parts that are safe, for whoever shows progress. */
  readonly partsHeld: number;
}

export function fingerprintOf(
  contentType: string | undefined,
  metadata: Readonly<Record<string, string>>,
  size: number | undefined,
): string {
  const ordered = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([contentType, size, ordered]));
}

export function formatUploadState(state: UploadState): string {
  return JSON.stringify({ v: 1, ...state });
}

export function parseUploadState(text: string | undefined): UploadState | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<UploadState> & { v?: unknown };
    const strings = [value.uploadId, value.id, value.key, value.fingerprint];
    const isWhole =
      value.v === 1 && typeof value.partBytes === 'number' && strings.every((field) => typeof field === 'string');
    return isWhole ? (value as UploadState) : undefined;
  } catch {
    return undefined;
  }
}

/** The parts of an upload the server holds, by number; undefined: it knows no such upload. */
export async function listParts(
  bucket: S3Bucket,
  at: ObjectAt,
  uploadId: string,
): Promise<ReadonlyMap<number, HeldPart> | undefined> {
  const held = new Map<number, HeldPart>();
  let PartNumberMarker: string | undefined;
  try {
    do {
      const input = { Bucket: bucket.bucket, Key: at.fullKey, UploadId: uploadId, PartNumberMarker };
      const answer = await bucket.connection.send(new bucket.connection.sdk.ListPartsCommand(input), {
        key: at.key,
        retried: true,
      });
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
