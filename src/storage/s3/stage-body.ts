import { type Body, type StageOptions, StorageError } from '../../ports/storage.ts';
import { MeasuredBody, readUpTo } from '../measured-body.ts';
import { toStorageError } from './errors.ts';
import type { ObjectAt } from './key-space.ts';
import { LargeObject } from './large-object.ts';
import type { S3Bucket } from './s3-bucket.ts';
import type { S3Settings } from './s3-settings.ts';
import type { SmallObject } from './small-object.ts';

/** What a body became: bytes in memory, or parts in the store. */
export type StagedObject =
  | { readonly kind: 'small'; readonly object: SmallObject; readonly size: number }
  | { readonly kind: 'large'; readonly object: LargeObject; readonly size: number };

/** Reads a body: up to the threshold into memory, beyond it into the store in parts. What fails leaves nothing behind. */
export async function stageBody(
  bucket: S3Bucket,
  settings: S3Settings,
  at: ObjectAt,
  body: Body,
  options: StageOptions,
): Promise<StagedObject> {
  const where = { store: bucket.name, key: at.key };
  const { size, signal } = options;
  if (signal?.aborted === true) throw new StorageError('aborted', where, 'it was aborted', signal.reason);
  const source = new MeasuredBody(where, body, options);
  try {
    const threshold = settings.multipartThreshold;
    const beginning = size !== undefined && size > threshold ? [] : await readUpTo(source, threshold, size);
    if (beginning instanceof Uint8Array) {
      return { kind: 'small', object: { at, bytes: beginning, options }, size: beginning.length };
    }
    return await stageLarge(bucket, settings, at, beginning, source, options);
  } finally {
    source.close();
  }
}

async function stageLarge(
  bucket: S3Bucket,
  settings: S3Settings,
  at: ObjectAt,
  beginning: readonly Uint8Array[],
  source: MeasuredBody,
  options: StageOptions,
): Promise<StagedObject> {
  const object = await LargeObject.open(bucket, at, options, settings.partBytes);
  try {
    for (const chunk of beginning) await object.write(chunk);
    for (let chunk = await source.next(); chunk !== undefined; chunk = await source.next()) {
      if (source.isWhole) await object.writeWhole(chunk);
      else await object.write(chunk);
    }
    return { kind: 'large', object, size: await object.finish() };
  } catch (error) {
    const failure = toStorageError(error, { store: bucket.name, key: at.key }, options.signal);
    // A body of another length than announced is another body: its parts are of no use to anyone.
    await object.abort({ forGood: failure.kind === 'corrupt' }).catch(() => undefined);
    throw failure;
  }
}
