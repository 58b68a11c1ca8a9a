import type { LeaseClaim } from '../../ports/storage.ts';
import { isProcessAlive } from '../store-lease.ts';
import { isNotFound, type S3Bucket } from './s3-bucket.ts';
import { failureOf } from './errors.ts';
import { deleteOwn, listOwn, type OwnDocumentListed, readOwn, writeOwn } from './own-documents.ts';

/** One upload in parts that Pando began: what S3 itself does not tell of it. Lies in `.pando/uploads/<id>`. */
export interface RegisteredUpload {
  readonly uploadId: string;
  /** The bucket's key. */
  readonly key: string;
  readonly process: LeaseClaim['process'];
  /** Its caller keeps its state and may go on with it. */
  readonly isResumable: boolean;
}

const DIRECTORY = 'uploads/';
const HOUR_MS = 3600_000;
/** Nobody on another host can be asked whether it lives; an upload that takes longer than this is taken for given up. */
const FOREIGN_UPLOAD_KEPT_MS = 24 * HOUR_MS;
/** A resumable upload of a dead process waits so long for the run that goes on with it. */
const RESUMABLE_UPLOAD_KEPT_MS = 7 * 24 * HOUR_MS;

export async function registerUpload(bucket: S3Bucket, id: string, upload: RegisteredUpload): Promise<void> {
  await writeOwn(bucket, DIRECTORY + id, JSON.stringify(upload));
}

/** The upload, its parts and its entry are gone; also when some of them were before. */
export async function abortUpload(
  bucket: S3Bucket,
  id: string,
  upload: { readonly uploadId: string; readonly key: string },
): Promise<void> {
  try {
    const input = { Bucket: bucket.bucket, Key: upload.key, UploadId: upload.uploadId };
    await bucket.connection.send(new bucket.connection.sdk.AbortMultipartUploadCommand(input), { retried: true });
  } catch (error) {
    if (!isNotFound(error) && failureOf(error)?.code !== 'NoSuchUpload') throw error;
  }
  await forgetUpload(bucket, id);
}

export async function forgetUpload(bucket: S3Bucket, id: string): Promise<void> {
  await deleteOwn(bucket, DIRECTORY + id);
}

/**
 * Ends uploads nobody will finish; only such as are registered, so never one that something else than Pando began.
 * Returns how many.
 */
export async function cleanUploads(bucket: S3Bucket, host: string): Promise<number> {
  let cleaned = 0;
  for (
    let page = await listOwn(bucket, DIRECTORY);
    page.length > 0;
    page = await listOwn(bucket, DIRECTORY, page.at(-1)?.name)
  ) {
    for (const listed of page) if (await cleanUpload(bucket, host, listed)) cleaned++;
  }
  return cleaned;
}

async function cleanUpload(bucket: S3Bucket, host: string, { name, writtenMs }: OwnDocumentListed): Promise<boolean> {
  const document = await readOwn(bucket, name);
  if (document === undefined) return false;
  const upload = parseUpload(document.text);
  const ageMs = bucket.clock.nowMs() - writtenMs;
  if (upload === undefined) {
    if (ageMs < FOREIGN_UPLOAD_KEPT_MS) return false;
    await deleteOwn(bucket, name);
    return true;
  }
  if (!isGivenUp(upload, ageMs, host)) return false;
  await abortUpload(bucket, name.slice(DIRECTORY.length), upload);
  return true;
}

/** Whether nobody will finish this upload, as far as can be known here. */
export function isGivenUp(upload: RegisteredUpload, ageMs: number, host: string): boolean {
  const isHere = upload.process.host === host;
  if (isHere && isProcessAlive(upload.process)) return false;
  if (upload.isResumable) return ageMs >= RESUMABLE_UPLOAD_KEPT_MS;
  return isHere || ageMs >= FOREIGN_UPLOAD_KEPT_MS;
}

function parseUpload(text: string): RegisteredUpload | undefined {
  try {
    const value = JSON.parse(text) as Partial<RegisteredUpload> | null;
    if (typeof value?.uploadId !== 'string' || typeof value.key !== 'string') return undefined;
    if (typeof value.process?.host !== 'string' || typeof value.process.pid !== 'number') return undefined;
    return value as RegisteredUpload;
  } catch {
    return undefined;
  }
}
