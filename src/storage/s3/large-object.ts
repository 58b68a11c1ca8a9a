import { hostname } from 'node:os';
import type { Mark, Published, PublishOptions, StageOptions } from '../../ports/storage.ts';
import { StorageError } from '../../ports/storage.ts';
import { isRetryable } from '../../domain/transfer/retry.ts';
import { failureOf } from './errors.ts';
import { quoted, tokenOf } from './etag.ts';
import type { ObjectAt } from './key-space.ts';
import { LatestSave } from './latest-save.ts';
import { deleteMark, writeMark } from './mark-beside.ts';
import { encodeMetadata, NO_CONTENT_TYPE } from './object-metadata.ts';
import { type FinishedParts, type HeldPart, PartUpload } from './part-upload.ts';
import type { Condition, S3Bucket } from './s3-bucket.ts';
import { abortUpload, forgetUpload, registerUpload } from './upload-register.ts';
import { fingerprintOf, formatUploadState, listParts, parseUploadState, type UploadState } from './upload-state.ts';

/**
 * An object on its way in parts: begun (or gone on with), fed, finished; then completed or aborted. It is registered in the
 * store as long as its parts lie there, so that they can be cleaned up after a crash.
 */
export class LargeObject {
  readonly at: ObjectAt;
  readonly isResumable: boolean;
  readonly #bucket: S3Bucket;
  readonly #state: UploadState;
  readonly #mark: Mark;
  /** The mark lies beside the object: it was not complete, or may not stay the same, when the upload began. */
  readonly #isMarkBeside: boolean;
  readonly #registered: Promise<unknown>;
  readonly #saves: LatestSave | undefined;
  readonly #parts: PartUpload;
  #finished: FinishedParts | undefined;

  private constructor(
    bucket: S3Bucket,
    at: ObjectAt,
    options: StageOptions,
    state: UploadState,
    held: ReadonlyMap<number, HeldPart>,
  ) {
    const { resume } = options;
    this.#bucket = bucket;
    this.at = at;
    this.#state = state;
    this.#mark = options.mark;
    this.isResumable = resume !== undefined;
    this.#isMarkBeside = needsMarkBeside(options);
    this.#registered = registerUpload(bucket, state.id, {
      uploadId: state.uploadId,
      key: at.fullKey,
      process: { host: hostname(), pid: process.pid, startedMs: Math.trunc(performance.timeOrigin) },
      isResumable: this.isResumable,
    }).catch((error: unknown) => error);
    this.#saves = resume === undefined ? undefined : new LatestSave((text) => resume.save(text));
    let partsHeld = 0;
    this.#saves?.set(formatUploadState(state));
    this.#parts = new PartUpload(bucket, {
      at,
      uploadId: state.uploadId,
      partBytes: state.partBytes,
      size: options.size,
      held,
      signal: options.signal,
      onPart: () => this.#saves?.set(formatUploadState({ ...state, partsHeld: ++partsHeld })),
    });
  }

  /** Begins an upload, or goes on with the one a caller kept the state of. */
  static async open(bucket: S3Bucket, at: ObjectAt, options: StageOptions, partBytes: number): Promise<LargeObject> {
    const { attributes, size } = options;
    const metadata = encodeMetadata(attributes, { beside: '' });
    const fingerprint = fingerprintOf(attributes.contentType, metadata, size);
    const kept = parseUploadState(options.resume?.state);
    if (
      kept !== undefined &&
      kept.key === at.fullKey &&
      kept.partBytes === partBytes &&
      kept.fingerprint === fingerprint
    ) {
      const held = await listParts(bucket, at, kept.uploadId);
      if (held !== undefined) return new LargeObject(bucket, at, options, { ...kept, partsHeld: 0 }, held);
    }
    const id = Buffer.from(bucket.random.bytes(12)).toString('hex');
    const { connection } = bucket;
    const answer = await connection.send(
      new connection.sdk.CreateMultipartUploadCommand({
        Bucket: bucket.bucket,
        Key: at.fullKey,
        ContentType: attributes.contentType ?? NO_CONTENT_TYPE,
        Metadata: encodeMetadata(attributes, needsMarkBeside(options) ? { beside: id } : options.mark),
      }),
      // Not to be aborted midway: an upload whose id is not known cannot be taken away again.
      { key: at.key, retried: true },
    );
    const state = { uploadId: answer.UploadId ?? '', id, key: at.fullKey, partBytes, fingerprint, partsHeld: 0 };
    return new LargeObject(bucket, at, options, state, new Map());
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
    await this.#saves?.settled();
    const registered = await this.#registered;
    if (registered instanceof Error) throw registered;
    return this.#finished.size;
  }

  /** Nothing of it stays; of a resumable one everything does, unless `forGood`. */
  async abort({ forGood }: { readonly forGood: boolean }): Promise<void> {
    await this.#parts.stop();
    await this.#registered;
    await this.#saves?.settled().catch(() => undefined);
    if (this.isResumable && !forGood) return;
    await abortUpload(this.#bucket, this.#state.id, { uploadId: this.#state.uploadId, key: this.at.fullKey });
  }

  /**
   * Makes the object of its parts. The condition is looked up just before, and sent along where the server enforces it.
   * What failed is aborted, unless another try may go on with the parts.
   */
  async publish(options: PublishOptions, condition: Condition): Promise<Published> {
    const mark = options.mark ?? this.#mark;
    try {
      if (condition !== undefined) await this.#bucket.demand(this.at, condition);
      if (this.#isMarkBeside) await writeMark(this.#bucket, this.at, this.#state.id, mark);
      const published = await this.#complete(condition);
      await forgetUpload(this.#bucket, this.#state.id).catch(() => undefined);
      return published;
    } catch (error) {
      const forGood = !(error instanceof StorageError && isRetryable(error.kind));
      await this.#discard(forGood).catch(() => undefined);
      throw error;
    }
  }

  async #discard(forGood: boolean): Promise<void> {
    if (this.isResumable && !forGood) return;
    await this.abort({ forGood });
    if (this.#isMarkBeside) await deleteMark(this.#bucket, this.at, this.#state.id);
  }

  async #complete(condition: Condition): Promise<Published> {
    const { connection, bucket } = this.#bucket;
    const finished = this.#finished as FinishedParts;
    const { completesConditionally, checksPayload } = await this.#bucket.facts();
    const input = {
      Bucket: bucket,
      Key: this.at.fullKey,
      UploadId: this.#state.uploadId,
      MultipartUpload: { Parts: finished.parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag: quoted(ETag) })) },
      ...(completesConditionally && condition?.kind === 'absent' ? { IfNoneMatch: '*' } : {}),
      ...(completesConditionally && condition?.kind === 'token' ? { IfMatch: quoted(condition.token) } : {}),
    };
    let isRepeated = false;
    const onRetry = (): void => {
      isRepeated = true;
    };
    let etag: string;
    try {
      const answer = await connection.send(new connection.sdk.CompleteMultipartUploadCommand(input), {
        key: this.at.key,
        retried: true,
        onRetry,
      });
      etag = tokenOf(answer.ETag);
    } catch (error) {
      // The upload is gone because an attempt whose answer was lost has completed it.
      if (!isRepeated || failureOf(error)?.code !== 'NoSuchUpload') throw error;
      etag = '';
    }
    const verification = finished.isChecked || checksPayload ? 'store' : 'written';
    if (etag === finished.etag) return { token: etag, verification };
    // RGW answers without an ETag; another one than that of the parts is theirs encrypted, or another object by now.
    const { head } = await this.#bucket.head(this.at, { retried: true });
    if (head.size !== finished.size) {
      throw new StorageError(
        'changed',
        { store: this.#bucket.name, key: this.at.key },
        'something else was written at the same time',
      );
    }
    return { token: head.token, verification };
  }
}

function needsMarkBeside({ mark, resume }: StageOptions): boolean {
  return mark.sha256 === undefined || resume !== undefined;
}
