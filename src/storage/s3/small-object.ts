import { hash } from 'node:crypto';
import {
  type Mark,
  type Published,
  type PublishOptions,
  type StageOptions,
  StorageError,
} from '../../ports/storage.ts';
import type { ObjectAt } from './key-space.ts';
import { encodeMetadata } from './object-metadata.ts';
import { type Condition, isPreconditionFailed, type S3Bucket } from './s3-bucket.ts';

/** An object held in memory until it is published: then it is one PUT. */
export interface SmallObject {
  readonly at: ObjectAt;
  readonly bytes: Uint8Array;
  readonly options: StageOptions;
}

/** The mark's sha256 is what the request is signed with, so the bytes are hashed here only if nobody has hashed them before. */
export async function publishSmall(
  bucket: S3Bucket,
  object: SmallObject,
  options: PublishOptions,
  condition: Condition,
): Promise<Published> {
  const { at, bytes, options: staged } = object;
  const mark = options.mark ?? staged.mark;
  const sha256 = await signedHash(bucket, object, mark);
  const input = {
    bytes,
    sha256,
    contentType: staged.attributes.contentType,
    metadata: encodeMetadata(staged.attributes, { operation: mark.operation, sha256 }),
  };
  let isRepeated = false;
  try {
    const { token, isChecked } = await bucket.put(at, input, condition, () => {
      isRepeated = true;
    });
    return { token, verification: isChecked ? 'store' : 'written' };
  } catch (error) {
    if (!isRepeated || !isPreconditionFailed(error)) throw error;
    // An attempt whose answer was lost may be what stands in the way of its own repetition.
    const { head } = await bucket.head(at, { retried: true });
    if (head.mark?.operation !== mark.operation || head.mark.sha256 !== sha256) throw error;
    return { token: head.token, verification: 'store' };
  }
}

/** Of a server that does not compare, the bytes are compared here. */
async function signedHash(bucket: S3Bucket, { at, bytes }: SmallObject, mark: Mark): Promise<string> {
  if (mark.sha256 !== undefined && (await bucket.facts()).checksPayload) return mark.sha256;
  const sha256 = hash('sha256', bytes);
  if (mark.sha256 === undefined || mark.sha256 === sha256) return sha256;
  throw new StorageError(
    'corrupt',
    { store: bucket.name, key: at.key },
    `the bytes have sha256 ${sha256}, not ${mark.sha256}`,
  );
}
