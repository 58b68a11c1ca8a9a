import { hash } from 'node:crypto';
import type { Mark, Published, PublishOptions, StageOptions } from '../../ports/storage.ts';
import { StorageError } from '../../ports/storage.ts';
import { isRetryable } from '../../domain/transfer/retry.ts';
import { failureOf } from './errors.ts';
import { quoted, tokenOf } from './etag.ts';
import type { ObjectAt } from './key-space.ts';
import type { HeldParts } from './list-parts.ts';
import { deleteMark, writeMark } from './mark-beside.ts';
import { encodeMetadata, NO_CONTENT_TYPE } from './object-metadata.ts';
import { type PartDigest, quickerDigest } from './part-digest.ts';
import { type FinishedParts, PartUpload } from './part-upload.ts';
import { metadataHeaders } from './read-head.ts';
import type { Condition, S3Bucket } from './s3-bucket.ts';
import {
  announceUpload,
  claimUpload,
  endUpload,
  forgetUpload,
  isTakenOver,
  registerUpload,
  type UploadEntry,
} from './upload-register.ts';
import { notAsked } from './xml-answer.ts';

/**
 * An object on its way in parts: begun (or gone on with), fed, finished; then completed or aborted. It is registered in the
 * store as long as its parts lie there, so that they can be cleaned up after a crash.
 */
export class LargeObject {
  readonly at: ObjectAt;
  readonly #bucket: S3Bucket;
  readonly #entry: UploadEntry;
  readonly #uploadId: string;
  readonly #mark: Mark;
  readonly #isResumable: boolean;
  /** The mark lies beside the object: it was not complete, or may not stay the same, when the upload began. */
  readonly #isMarkBeside: boolean;
  readonly #registered: Promise<unknown>;
  readonly #parts: PartUpload;
  #finished: FinishedParts | undefined;

  private constructor(bucket: S3Bucket, at: ObjectAt, options: StageOptions, partBytes: number, begun: BegunUpload) {
    const { entry, uploadId, held, digest } = begun;
    this.#bucket = bucket;
    this.at = at;
    this.#entry = entry;
    this.#uploadId = uploadId;
    this.#mark = options.mark;
    this.#isResumable = entry.upload.identity !== undefined;
    this.#isMarkBeside = needsMarkBeside(options);
    this.#registered =
      entry.upload.uploadId === uploadId
        ? Promise.resolve()
        : registerUpload(bucket, entry, uploadId).catch((error: unknown) => error);
    this.#parts = new PartUpload(bucket, {
      at,
      uploadId,
      partBytes,
      digest,
      size: options.size,
      held,
      signal: options.signal,
    });
  }

  /** Begins an upload, or goes on with the one that was begun for the same bytes by a writer that is gone. */
  static async open(bucket: S3Bucket, at: ObjectAt, options: StageOptions, partBytes: number): Promise<LargeObject> {
    const { checksPayload } = await bucket.facts();
    const digest = checksPayload ? quickerDigest() : 'md5';
    const claimed =
      options.resume === undefined ? undefined : await claimUpload(bucket, at, identityOf(options, partBytes));
    const known = claimed?.entry.upload.uploadId;
    if (claimed?.held !== undefined && known !== undefined) {
      const { entry, held } = claimed;
      return new LargeObject(bucket, at, options, partBytes, { entry, uploadId: known, held, digest });
    }
    const entry = claimed?.entry ?? (await announceUpload(bucket, at));
    try {
      const uploadId = await createUpload(bucket, at, options, entry);
      const begun = { entry, uploadId, held: new Map(), digest };
      return new LargeObject(bucket, at, options, partBytes, begun);
    } catch (error) {
      // Of any other failure it is not known whether the upload was begun.
      const isRefused = error instanceof StorageError && !isRetryable(error.kind);
      if (isRefused) await forgetUpload(bucket, entry.name).catch(() => undefined);
      throw error;
    }
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#parts.write(chunk);
  }

  writeWhole(bytes: Uint8Array): Promise<void> {
    return this.#parts.writeWhole(bytes);
  }

  /** All bytes are in the store. */
  async finish(): Promise<number> {
    this.#finished = await this.#parts.finish();
    const registered = await this.#registered;
    if (registered instanceof Error) throw registered;
    return this.#finished.size;
  }

  /** Nothing of it stays; of a resumable one everything does, unless `forGood`. */
  async abort({ forGood }: { readonly forGood: boolean }): Promise<void> {
    await this.#parts.stop();
    await this.#registered;
    if (this.#isResumable && (!forGood || (await isTakenOver(this.#bucket, this.#entry)))) return;
    const upload = { ...this.#entry.upload, uploadId: this.#uploadId };
    await endUpload(this.#bucket, { name: this.#entry.name, upload });
  }

  /**
   * Makes the object of its parts. The condition is looked up just before, and sent along where the server enforces it.
   * What failed is aborted, unless another try may go on with the parts.
   */
  async publish(options: PublishOptions, condition: Condition): Promise<Published> {
    const mark = options.mark ?? this.#mark;
    try {
      const replaced = condition === undefined ? undefined : await this.#bucket.demand(this.at, condition);
      if (this.#isMarkBeside) await writeMark(this.#bucket, this.at, this.#entry.upload.mark, mark);
      const published = await this.#complete(condition);
      await this.#tidy(replaced).catch(() => undefined);
      return published;
    } catch (error) {
      const forGood = !(error instanceof StorageError && isRetryable(error.kind));
      await this.abort({ forGood }).catch(() => undefined);
      throw error;
    }
  }

  /** `replaced` is the name of the mark that lay beside the object before: looked for as long as the upload is registered. */
  async #tidy(replaced: string | undefined): Promise<void> {
    if (replaced !== undefined) await deleteMark(this.#bucket, this.at, replaced);
    await forgetUpload(this.#bucket, this.#entry.name);
  }

  async #complete(condition: Condition): Promise<Published> {
    const finished = this.#finished as FinishedParts;
    const { completesConditionally } = await this.#bucket.facts();
    const body = Buffer.from(completion(finished));
    const request = {
      method: 'POST' as const,
      fullKey: this.at.fullKey,
      query: { uploadId: this.#uploadId },
      headers: {
        'content-type': 'application/xml',
        ...(completesConditionally && condition?.kind === 'absent' ? { 'if-none-match': '*' } : {}),
        ...(completesConditionally && condition?.kind === 'token' ? { 'if-match': quoted(condition.token) } : {}),
      },
      body,
      payload: hash('sha256', body),
    };
    let isRepeated = false;
    const onRetry = (): void => {
      isRepeated = true;
    };
    let etag: string;
    try {
      const options = { key: this.at.key, retried: true, onRetry };
      etag = await this.#bucket.connection.ask(request, options, (answer) => {
        if (answer.name !== 'CompleteMultipartUploadResult') throw notAsked();
        return tokenOf(answer.text('ETag'));
      });
    } catch (error) {
      // The upload is gone because an attempt whose answer was lost has completed it.
      if (!isRepeated || failureOf(error)?.code !== 'NoSuchUpload') throw error;
      etag = '';
    }
    const verification = finished.isChecked ? 'store' : 'written';
    if (etag === finished.etag) return { token: etag, verification };
    // RGW answers without an ETag; another one than that of the parts is theirs encrypted, or another object by now.
    const { head, markBeside } = await this.#bucket.head(this.at, { retried: true });
    const isOurs = this.#isMarkBeside
      ? markBeside === this.#entry.upload.mark
      : head.mark?.operation === this.#mark.operation && head.mark.sha256 === this.#mark.sha256;
    if (head.size !== finished.size || !isOurs) {
      throw new StorageError(
        'changed',
        { store: this.#bucket.name, key: this.at.key },
        'something else was written at the same time',
      );
    }
    return { token: head.token, verification };
  }
}

interface BegunUpload {
  readonly entry: UploadEntry;
  readonly uploadId: string;
  readonly held: HeldParts;
  readonly digest: PartDigest;
}

async function createUpload(
  bucket: S3Bucket,
  at: ObjectAt,
  options: StageOptions,
  { upload }: UploadEntry,
): Promise<string> {
  const { connection } = bucket;
  const mark = needsMarkBeside(options) ? { beside: upload.mark } : options.mark;
  const request = {
    method: 'POST' as const,
    fullKey: at.fullKey,
    query: { uploads: '' },
    headers: {
      'content-type': options.attributes.contentType ?? NO_CONTENT_TYPE,
      ...metadataHeaders(encodeMetadata(options.attributes, mark)),
    },
  };
  // Not to be aborted midway: an upload whose id is not known cannot be taken away again.
  return connection.ask(request, { key: at.key, retried: true }, (answer) => {
    const uploadId = answer.text('UploadId');
    if (uploadId === undefined) throw notAsked();
    return uploadId;
  });
}

/** In the order of their numbers. */
function completion({ parts }: FinishedParts): string {
  const told = parts.map(
    ({ PartNumber, ETag }) =>
      `<Part><PartNumber>${PartNumber}</PartNumber><ETag>${escapeXml(quoted(ETag))}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${told.join('')}</CompleteMultipartUpload>`;
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** What two uploads have in common of which one may go on with the other: bytes, metadata and parts. */
function identityOf({ resume, attributes, size }: StageOptions, partBytes: number): string {
  const metadata = Object.entries(encodeMetadata(attributes, { beside: '' })).sort(([a], [b]) => (a < b ? -1 : 1));
  return hash('sha256', JSON.stringify([resume, partBytes, size, attributes.contentType, metadata]));
}

function needsMarkBeside({ mark, resume }: StageOptions): boolean {
  return mark.sha256 === undefined || resume !== undefined;
}
