import { hash } from 'node:crypto';
import type { Mark } from '../../ports/storage.ts';
import type { ObjectAt } from './key-space.ts';
import { deleteOwn, listOwn, readOwn, writeOwn } from './own-documents.ts';
import { isNotFound, type S3Bucket } from './s3-bucket.ts';

/**
 * The mark of an object whose metadata had to be fixed before its last byte was read. It lies in
 * `.pando/meta/<sha256 of key>.<name>`, and the object's metadata says `name`, so that a mark never passes to another
 * object at the same key.
 */
interface MarkDocument extends Mark {
  /** The bucket's key, so that a mark without its object can be found. */
  readonly key: string;
}

const DIRECTORY = 'meta/';
/** So many marks are looked at in one cleaning, from a random one on: over time all of them. */
const CLEANED_MARKS_MAX = 64;
/** A mark is written before its object appears; one without its object for so long has lost it. */
const LONE_MARK_KEPT_MS = 24 * 3600_000;

export async function writeMark(bucket: S3Bucket, at: ObjectAt, name: string, mark: Mark): Promise<void> {
  const document: MarkDocument = { ...mark, key: at.fullKey };
  await writeOwn(bucket, documentName(at.fullKey, name), JSON.stringify(document));
}

export async function readMark(bucket: S3Bucket, at: ObjectAt, name: string): Promise<Mark | undefined> {
  const document = await readOwn(bucket, documentName(at.fullKey, name));
  const parsed = document === undefined ? undefined : parseMark(document.text);
  return parsed?.key === at.fullKey ? { operation: parsed.operation, sha256: parsed.sha256 } : undefined;
}

export async function deleteMark(bucket: S3Bucket, at: ObjectAt, name: string): Promise<void> {
  await deleteOwn(bucket, documentName(at.fullKey, name));
}

/** Removes a mark unless the object it was made for is there. */
export async function deleteLoneMark(bucket: S3Bucket, fullKey: string, name: string): Promise<void> {
  const document = documentName(fullKey, name);
  if (!(await hasObject(bucket, fullKey, document))) await deleteOwn(bucket, document);
}

/** Names of the marks of one key. */
export async function listMarks(bucket: S3Bucket, fullKey: string): Promise<readonly string[]> {
  const begins = documentName(fullKey, '');
  return (await listOwn(bucket, begins)).map(({ name }) => name.slice(begins.length));
}

/** Removes marks whose object is gone or was replaced; returns how many. */
export async function cleanMarks(bucket: S3Bucket): Promise<number> {
  const from = DIRECTORY + Buffer.from(bucket.random.bytes(2)).toString('hex');
  const first = await listOwn(bucket, DIRECTORY, from, CLEANED_MARKS_MAX);
  const listed = first.length > 0 ? first : await listOwn(bucket, DIRECTORY, undefined, CLEANED_MARKS_MAX);
  const nowMs = bucket.clock.nowMs();
  const old = listed.filter(({ writtenMs }) => nowMs - writtenMs >= LONE_MARK_KEPT_MS);
  const cleaned = await Promise.all(old.map(({ name }) => cleanMark(bucket, name)));
  return cleaned.filter(Boolean).length;
}

async function cleanMark(bucket: S3Bucket, name: string): Promise<boolean> {
  const text = (await readOwn(bucket, name))?.text;
  const document = text === undefined ? undefined : parseMark(text);
  if (document !== undefined && (await hasObject(bucket, document.key, name))) return false;
  await deleteOwn(bucket, name);
  return true;
}

async function hasObject(bucket: S3Bucket, fullKey: string, name: string): Promise<boolean> {
  try {
    const { markBeside } = await bucket.head({ key: fullKey, fullKey });
    return markBeside !== undefined && documentName(fullKey, markBeside) === name;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function documentName(fullKey: string, name: string): string {
  return `${DIRECTORY}${hash('sha256', fullKey)}.${name}`;
}

function parseMark(text: string): MarkDocument | undefined {
  try {
    const { key, operation, sha256 } = JSON.parse(text) as Partial<MarkDocument>;
    if (typeof key !== 'string' || typeof operation !== 'string') return undefined;
    return { key, operation, sha256: typeof sha256 === 'string' ? sha256 : undefined };
  } catch {
    return undefined;
  }
}
