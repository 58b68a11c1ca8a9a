import { hostname } from 'node:os';
import { isProcessAlive } from '../store-lease.ts';
import { readGoesOn } from './list-page.ts';
import { listParts } from './list-parts.ts';
import { deleteLoneMark, listMarks } from './mark-beside.ts';
import { deleteOwn, listOwn } from './own-documents.ts';
import { isDenied, isNotUnderstood, type S3Bucket } from './s3-bucket.ts';
import {
  abortParts,
  endUpload,
  readEntry,
  type RegisteredUpload,
  type UploadEntry,
  UPLOADS,
} from './upload-register.ts';

const HOUR_MS = 3600_000;
/** Nobody on another host can be asked whether it lives; an upload that takes longer than this is taken for given up. */
const FOREIGN_UPLOAD_KEPT_MS = 24 * HOUR_MS;
/** A resumable upload of a dead process waits so long for the run that goes on with it. */
const RESUMABLE_UPLOAD_KEPT_MS = 7 * 24 * HOUR_MS;
/** A request to begin an upload, with all its repetitions, has reached the server by then, or never will. */
const BEGINNING_MS_MAX = 10 * 60_000;

/** Whether all is done for the bucket's key, so that nobody will go on with an upload to it. */
type IsFinished = (fullKey: string) => boolean;

interface FoundEntry extends UploadEntry {
  /** By the server's clock. */
  readonly writtenMs: number;
}

/**
 * Ends uploads nobody will finish; only such as are registered, so never one that something else than Pando began.
 * Returns how many.
 */
export async function cleanUploads(bucket: S3Bucket, isFinished: IsFinished): Promise<number> {
  const entries = await readEntries(bucket);
  let cleaned = 0;
  for (const entry of entries) {
    try {
      if (await cleanUpload(bucket, entry, entries, isFinished)) cleaned++;
    } catch (error) {
      // Who may write objects need not have the right to look at uploads, or to end them; what is answered so that nobody understands it
      // is left for a later run. Neither is a reason not to write there.
      if (!isDenied(error) && !isNotUnderstood(error)) throw error;
    }
  }
  return cleaned;
}

async function cleanUpload(
  bucket: S3Bucket,
  entry: FoundEntry,
  entries: readonly FoundEntry[],
  isFinished: IsFinished,
): Promise<boolean> {
  const { upload, writtenMs } = entry;
  const ageMs = bucket.clock.nowMs() - writtenMs;
  const fate = fateOf(upload, { ageMs, host: hostname(), isFinished: isFinished(upload.key) });
  if (fate === 'left' || (fate === 'kept' && (await isThere(bucket, upload)))) return false;
  if (upload.uploadId === undefined && !(await abortUnanswered(bucket, entry, entries))) return false;
  await endUpload(bucket, entry);
  await deleteLoneMarks(bucket, upload.key);
  return true;
}

export interface UploadFacts {
  readonly ageMs: number;
  /** This one. */
  readonly host: string;
  readonly isFinished: boolean;
}

/** `left` to a writer that lives, or may live; `kept` to be gone on with; `ended` otherwise. */
export function fateOf(upload: RegisteredUpload, { ageMs, host, isFinished }: UploadFacts): 'left' | 'kept' | 'ended' {
  const isHere = upload.process.host === host;
  if (isHere && isProcessAlive(upload.process)) {
    const isLeft = upload.process.pid !== process.pid || upload.identity === undefined;
    return isFinished && !isLeft ? 'ended' : 'left';
  }
  if (upload.identity !== undefined && upload.uploadId !== undefined)
    return isFinished || ageMs >= RESUMABLE_UPLOAD_KEPT_MS ? 'ended' : 'kept';
  return isHere || ageMs >= FOREIGN_UPLOAD_KEPT_MS ? 'ended' : 'left';
}

async function readEntries(bucket: S3Bucket): Promise<FoundEntry[]> {
  const entries: FoundEntry[] = [];
  for (
    let page = await listOwn(bucket, UPLOADS);
    page.length > 0;
    page = await listOwn(bucket, UPLOADS, page.at(-1)?.name)
  ) {
    for (const { name, writtenMs } of page) {
      const entry = await readEntry(bucket, name.slice(UPLOADS.length));
      if (entry !== undefined) entries.push({ ...entry, writtenMs });
      else if (bucket.clock.nowMs() - writtenMs >= FOREIGN_UPLOAD_KEPT_MS) await deleteOwn(bucket, name);
    }
  }
  return entries;
}

/** An upload that was completed by a writer that died before it could say so has nothing to go on with. */
async function isThere(bucket: S3Bucket, { key, uploadId = '' }: RegisteredUpload): Promise<boolean> {
  return (await listParts(bucket, { key, fullKey: key }, uploadId)) !== undefined;
}

/**
 * Ends what became of a request to begin an upload whose answer its writer did not live to note: an upload of that key that
 * began then and that nobody has registered. False: a writer that lives may be about to, so it cannot be told yet.
 */
async function abortUnanswered(
  bucket: S3Bucket,
  { name, upload: { key }, writtenMs }: FoundEntry,
  entries: readonly FoundEntry[],
): Promise<boolean> {
  const others = entries.filter((other) => other.upload.key === key && other.name !== name);
  if (others.some(({ upload }) => upload.uploadId === undefined)) return false;
  const registered = new Set(others.map(({ upload }) => upload.uploadId));
  // Times of listings are whole seconds at some servers.
  const from = Math.floor(writtenMs / 1000) * 1000;
  for (const { uploadId, initiatedMs } of await uploadsOf(bucket, key)) {
    if (registered.has(uploadId) || initiatedMs < from || initiatedMs > from + BEGINNING_MS_MAX) continue;
    await abortParts(bucket, key, uploadId);
  }
  return true;
}

/**
 * A writer that dies with its upload completed leaves the mark of the object it replaced. A mark is written while its upload
 * is registered: so one whose upload is not, after the marks were listed, has its object by now, or none.
 */
async function deleteLoneMarks(bucket: S3Bucket, key: string): Promise<void> {
  const marks = await listMarks(bucket, key);
  if (marks.length === 0) return;
  const registered = new Set((await readEntries(bucket)).map(({ upload }) => upload.mark));
  for (const mark of marks) if (!registered.has(mark)) await deleteLoneMark(bucket, key, mark);
}

/** Uploads of exactly this key: they come first among those whose keys begin with it. */
async function uploadsOf(bucket: S3Bucket, key: string): Promise<{ uploadId: string; initiatedMs: number }[]> {
  const query = { uploads: '', 'encoding-type': 'url', prefix: key };
  return bucket.connection.ask({ method: 'GET', fullKey: '', query }, { retried: true }, (answer) => {
    readGoesOn(answer, 'ListMultipartUploadsResult');
    return answer.all('Upload').flatMap((upload) => {
      const found = upload.text('Key') ?? '';
      const uploadId = upload.text('UploadId');
      return uploadId !== undefined && (found === key || decoded(found) === key)
        ? [{ uploadId, initiatedMs: upload.date('Initiated')?.getTime() ?? 0 }]
        : [];
    });
  });
}

function decoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
