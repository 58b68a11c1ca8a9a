import { createHash, type Hash, hash } from 'node:crypto';
import { StorageError } from '../../ports/storage.ts';
import { etagOfParts, tokenOf } from './etag.ts';
import { headerOf } from './http-exchange.ts';
import type { ObjectAt } from './key-space.ts';
import type { HeldParts } from './list-parts.ts';
import type { PartDigest } from './part-digest.ts';
import { partBytesOf } from './part-plan.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { UNSIGNED_PAYLOAD } from './s3-connection.ts';
import { PART_COUNT_MAX, PARTS_IN_FLIGHT_MAX } from './s3-settings.ts';

export interface PartUploadOptions {
  readonly at: ObjectAt;
  readonly uploadId: string;
  readonly partBytes: number;
  /** `sha256` only where the server refuses a payload that is not what it was signed with. */
  readonly digest: PartDigest;
  readonly size: number | undefined;
  /** Parts an earlier process has brought there, by number: sent again only if their MD5 is not that of the bytes. */
  readonly held: HeldParts;
  readonly signal: AbortSignal | undefined;
}

export interface FinishedParts {
  readonly parts: readonly { readonly PartNumber: number; readonly ETag: string }[];
  readonly size: number;
  /** The ETag of the whole, as S3 makes it from its parts. */
  readonly etag: string;
  /** The server has compared every part with a hash of its bytes. */
  readonly isChecked: boolean;
}

/**
 * The parts of one upload, filled from chunks and sent several at a time. Each is signed with its sha256, or has its `Content-MD5`, and the ETag
 * says what the server took.
 */
export class PartUpload {
  readonly #bucket: S3Bucket;
  readonly #options: PartUploadOptions;
  readonly #sent = new Map<number, string>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #isChecked = true;
  #number = 1;
  #size = 0;
  #part: Buffer | undefined;
  #filled = 0;
  #hash: Hash;

  constructor(bucket: S3Bucket, options: PartUploadOptions) {
    this.#hash = createHash(options.digest);
    this.#bucket = bucket;
    this.#options = options;
  }

  /** Takes the chunk's bytes over; waits while too many parts are on their way. */
  async write(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      this.#part ??= await this.#openPart();
      const taken = Math.min(chunk.length - at, this.#part.length - this.#filled);
      const piece = chunk.subarray(at, at + taken);
      this.#part.set(piece, this.#filled);
      this.#hash.update(piece);
      this.#filled += taken;
      at += taken;
      if (this.#filled === this.#part.length) this.#closePart();
    }
  }

  /** Bytes that stay as they are until `finish` returns: sent from where they lie. */
  async writeWhole(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      await this.#admit();
      const piece = bytes.subarray(at, at + this.#bytesOf(this.#number));
      this.#send(piece, hash(this.#options.digest, piece, 'buffer'));
      at += piece.length;
    }
  }

  /** All parts are there. */
  async finish(): Promise<FinishedParts> {
    if (this.#filled > 0 || this.#number === 1) {
      this.#part ??= Buffer.alloc(0);
      this.#closePart();
    }
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure.error;
    const parts = [...this.#sent].sort(([a], [b]) => a - b).map(([PartNumber, ETag]) => ({ PartNumber, ETag }));
    const etag = etagOfParts(parts.map(({ ETag }) => ETag));
    return { parts, size: this.#size, etag, isChecked: this.#isChecked };
  }

  /** Stops what is on its way; returns when nothing is. */
  async stop(): Promise<void> {
    this.#failure ??= {
      error: new StorageError('aborted', { store: this.#bucket.name, key: this.#options.at.key }, 'it was given up'),
    };
    this.#stop.abort();
    await Promise.all(this.#inFlight);
  }

  async #openPart(): Promise<Buffer> {
    await this.#admit();
    const bytes = this.#bytesOf(this.#number);
    return this.#bucket.partBuffers.take(bytes);
  }

  async #admit(): Promise<void> {
    while (this.#inFlight.size >= PARTS_IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#number <= PART_COUNT_MAX) return;
    const where = { store: this.#bucket.name, key: this.#options.at.key };
    throw new StorageError(
      'unsupported',
      where,
      `a body of unknown length needs more than ${PART_COUNT_MAX} parts; announce its size`,
    );
  }

  #bytesOf(number: number): number {
    return partBytesOf(number, this.#options);
  }

  #closePart(): void {
    const part = this.#part as Buffer;
    const bytes = part.subarray(0, this.#filled);
    this.#part = undefined;
    this.#filled = 0;
    const digest = this.#hash.digest();
    this.#hash = createHash(this.#options.digest);
    this.#send(bytes, digest, () => this.#bucket.partBuffers.give(part));
  }

  #send(bytes: Uint8Array, digest: Buffer, done: () => void = () => {}): void {
    const number = this.#number++;
    this.#size += bytes.length;
    const sending = this.#bring(number, bytes, digest);
    const tracked = sending.finally(() => {
      this.#inFlight.delete(tracked);
      done();
    });
    this.#inFlight.add(tracked);
  }

  /** Never fails: a failure stops the other parts, and is told by whoever comes next. */
  async #bring(number: number, bytes: Uint8Array, digest: Buffer): Promise<void> {
    try {
      this.#sent.set(number, await this.#sendPart(number, bytes, digest));
    } catch (error) {
      this.#failure ??= { error };
      this.#stop.abort();
    }
  }

  async #sendPart(number: number, bytes: Uint8Array, digest: Buffer): Promise<string> {
    const { at, uploadId, held, signal } = this.#options;
    const isSigned = this.#options.digest === 'sha256';
    const there = held.get(number);
    if (there?.size === bytes.length && there.etag === hash('md5', bytes)) return there.etag;
    const request = {
      method: 'PUT' as const,
      fullKey: at.fullKey,
      query: { partNumber: String(number), uploadId },
      headers: isSigned ? {} : { 'content-md5': digest.toString('base64') },
      body: bytes,
      payload: isSigned ? digest.toString('hex') : UNSIGNED_PAYLOAD,
    };
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const answer = await this.#bucket.connection.request(request, { key: at.key, retried: true, signal: stop });
    const etag = tokenOf(headerOf(answer, 'etag'));
    if (!isSigned && etag !== digest.toString('hex')) this.#isChecked = false;
    return etag;
  }
}
