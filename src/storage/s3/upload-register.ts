import { hash } from 'node:crypto';
import { hostname } from 'node:os';
import type { LeaseClaim, Token } from '../../ports/storage.ts';
import { isProcessAlive } from '../store-lease.ts';
import { failureOf } from './errors.ts';
import type { ObjectAt } from './key-space.ts';
import { type HeldParts, listParts } from './list-parts.ts';
import { deleteLoneMark } from './mark-beside.ts';
import { deleteOwn, readOwn, writeOwn } from './own-documents.ts';
import { type Condition, isDenied, isNotFound, isPreconditionFailed, type S3Bucket } from './s3-bucket.ts';

/**
 * One upload in parts that Pando is about to begin or began: what S3 itself does not tell of it. Lies in
 * `.pando/uploads/<name>` from before its beginning until its end, so that none is ever forgotten.
 */
export interface RegisteredUpload {
  /** The bucket's key. */
  readonly key: string;
  readonly process: LeaseClaim['process'];
  /** Undefined until the server has answered its beginning. */
  readonly uploadId?: string | undefined;
  /** Name of the mark beside the object it becomes. */
  readonly mark: string;
  /** Given: it may be gone on with, for the bytes, metadata and parts this stands for. */
  readonly identity?: string | undefined;
}

export interface UploadEntry {
  readonly name: string;
  readonly upload: RegisteredUpload;
  readonly token: Token;
}

export const UPLOADS = 'uploads/';

/** An upload that cannot be gone on with is about to begin. */
export async function announceUpload(bucket: S3Bucket, at: ObjectAt): Promise<UploadEntry> {
  const upload = newUpload(bucket, at, undefined);
  return writeEntry(bucket, upload.mark, upload, undefined);
}

/**
 * An upload that may be gone on with is about to begin, or the one that a writer who is gone began for the same identity is
 * ours from now on, with the parts it has; one it began for another identity is ended. A key has one such upload: undefined
 * where another writer lives, or may live, that has it.
 */
export async function claimUpload(
  bucket: S3Bucket,
  at: ObjectAt,
  identity: string,
): Promise<{ readonly entry: UploadEntry; readonly held: HeldParts | undefined } | undefined> {
  const name = hash('sha256', at.fullKey);
  const fresh = newUpload(bucket, at, identity);
  const entry = await tryEntry(bucket, name, fresh, { kind: 'absent' });
  if (entry !== undefined) return { entry, held: undefined };
  const found = await readEntry(bucket, name);
  // One whose beginning was not answered may yet be begun by who announced it.
  if (found?.upload.uploadId === undefined || !mayTakeOver(found.upload)) return undefined;
  try {
    const held = found.upload.identity === identity ? await listParts(bucket, at, found.upload.uploadId) : undefined;
    if (held === undefined) await abortUpload(bucket, found.upload);
    const next = held === undefined ? fresh : { ...found.upload, process: thisProcess() };
    const taken = await tryEntry(bucket, name, next, { kind: 'token', token: found.token });
    return taken === undefined ? undefined : { entry: taken, held };
  } catch (error) {
    // Who may write objects need not have the right to look at uploads.
    if (isDenied(error)) return undefined;
    throw error;
  }
}

/** The server has answered the beginning of the upload. */
export async function registerUpload(bucket: S3Bucket, entry: UploadEntry, uploadId: string): Promise<void> {
  await writeEntry(bucket, entry.name, { ...entry.upload, uploadId }, { kind: 'token', token: entry.token });
}

/** Whether another writer goes on with the upload, because we seemed to be dead. */
export async function isTakenOver(bucket: S3Bucket, { name }: UploadEntry): Promise<boolean> {
  const owner = (await readEntry(bucket, name))?.upload.process;
  return owner !== undefined && (owner.pid !== process.pid || owner.host !== hostname());
}

/** The upload, its parts, its mark and its entry are gone; also when some of them were before. */
export async function endUpload(
  bucket: S3Bucket,
  { name, upload }: { readonly name: string; readonly upload: RegisteredUpload },
): Promise<void> {
  await abortUpload(bucket, upload);
  await forgetUpload(bucket, name);
}

export async function forgetUpload(bucket: S3Bucket, name: string): Promise<void> {
  await deleteOwn(bucket, UPLOADS + name);
}

export async function readEntry(bucket: S3Bucket, name: string): Promise<UploadEntry | undefined> {
  const document = await readOwn(bucket, UPLOADS + name);
  const upload = document === undefined ? undefined : parseUpload(document.text);
  return document === undefined || upload === undefined ? undefined : { name, upload, token: document.token };
}

/** An upload that was completed is left as it is, with its mark. */
async function abortUpload(bucket: S3Bucket, { key, uploadId, mark }: RegisteredUpload): Promise<void> {
  if (uploadId !== undefined) await abortParts(bucket, key, uploadId);
  await deleteLoneMark(bucket, key, mark);
}

/** The parts are gone, and so is the upload. */
export async function abortParts(bucket: S3Bucket, key: string, uploadId: string): Promise<void> {
  try {
    await bucket.connection.request({ method: 'DELETE', fullKey: key, query: { uploadId } }, { retried: true });
  } catch (error) {
    if (!isNotFound(error) && failureOf(error)?.code !== 'NoSuchUpload') throw error;
  }
}

function mayTakeOver({ process: owner }: RegisteredUpload): boolean {
  return owner.host !== hostname() || owner.pid === process.pid || !isProcessAlive(owner);
}

function newUpload(bucket: S3Bucket, { fullKey }: ObjectAt, identity: string | undefined): RegisteredUpload {
  const mark = Buffer.from(bucket.random.bytes(12)).toString('hex');
  return { key: fullKey, process: thisProcess(), mark, identity };
}

function thisProcess(): LeaseClaim['process'] {
  return { host: hostname(), pid: process.pid, startedMs: Math.trunc(performance.timeOrigin) };
}

/** Undefined: something else lies there. */
async function tryEntry(
  bucket: S3Bucket,
  name: string,
  upload: RegisteredUpload,
  condition: Condition,
): Promise<UploadEntry | undefined> {
  try {
    return await writeEntry(bucket, name, upload, condition);
  } catch (error) {
    if (isPreconditionFailed(error)) return undefined;
    throw error;
  }
}

async function writeEntry(
  bucket: S3Bucket,
  name: string,
  upload: RegisteredUpload,
  condition: Condition,
): Promise<UploadEntry> {
  const text = JSON.stringify(upload);
  try {
    return { name, upload, token: await writeOwn(bucket, UPLOADS + name, text, condition) };
  } catch (error) {
    // Our own write, repeated after an answer that was lost, finds itself.
    const found = isPreconditionFailed(error) ? await readOwn(bucket, UPLOADS + name) : undefined;
    if (found?.text !== text) throw error;
    return { name, upload, token: found.token };
  }
}

function parseUpload(text: string): RegisteredUpload | undefined {
  try {
    const value = JSON.parse(text) as Partial<RegisteredUpload> | null;
    if (typeof value?.key !== 'string' || typeof value.mark !== 'string') return undefined;
    if (typeof value.process?.host !== 'string' || typeof value.process.pid !== 'number') return undefined;
    return value as RegisteredUpload;
  } catch {
    return undefined;
  }
}
