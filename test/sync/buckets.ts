import { createHash } from 'node:crypto';
import {
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';

/** A bucket as a client of its own sees it, beside the store under test. */
export interface SeenBucket {
  /** By key, without what is Pando's own: what tells whether it was written again. */
  readonly objects: ReadonlyMap<string, string>;
  /** Keys below `.pando/`. */
  readonly own: readonly string[];
  /** Keys of uploads that were neither completed nor aborted. */
  readonly uploads: readonly string[];
}

export async function seeBucket(client: S3Client, bucket: string): Promise<SeenBucket> {
  const objects = new Map<string, string>();
  const own: string[] = [];
  for (let after: string | undefined, more = true; more; ) {
    const page = await client.send(new ListObjectsV2Command({ Bucket: bucket, StartAfter: after }));
    for (const { Key = '', ETag, LastModified } of page.Contents ?? []) {
      if (Key.startsWith('.pando/')) own.push(Key);
      else objects.set(Key, `${ETag} ${LastModified?.toISOString()}`);
      after = Key;
    }
    more = page.IsTruncated === true;
  }
  const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
  return { objects, own, uploads: (Uploads ?? []).map(({ Key }) => Key ?? '') };
}

/** Bytes, mode and time of all objects, as `mirrored` tells them of a directory. */
export async function mirroredBucket(
  client: S3Client,
  bucket: string,
  keys: Iterable<string>,
): Promise<Record<string, { sha256: string; mode: string | undefined; mtime: string | undefined }>> {
  const found: Record<string, { sha256: string; mode: string | undefined; mtime: string | undefined }> = {};
  for (const Key of keys) {
    const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    const sha256 = createHash('sha256')
      .update((await Body?.transformToByteArray()) ?? '')
      .digest('hex');
    found[Key] = { sha256, mode: Metadata?.['pando-mode'], mtime: Metadata?.['mtime'] };
  }
  return found;
}

/** What lies in `.pando/meta/` for one object with its mark beside it: a hash of its key and the name its metadata says. */
export async function markBesideOf(client: S3Client, bucket: string, key: string): Promise<string | undefined> {
  const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  const name = Metadata?.['pando-mark'];
  return name === undefined ? undefined : `.pando/meta/${createHash('sha256').update(key).digest('hex')}.${name}`;
}
