import type { Readable } from 'node:stream';
import type { Consistency } from '../engine/locate-object.ts';
import type { DeleteResult } from '../engine/delete-object.ts';
import type { ObjectInfo } from '../engine/inspect-object.ts';
import type { ObjectGlob } from '../engine/glob-objects.ts';
import type { ObjectListing } from '../engine/list-objects.ts';
import type { WriteArguments, WriteResult } from '../engine/write-object.ts';
import type { ByteRange } from '../domain/transfer/byte-range.ts';
import type { SyncResult } from '../engine/sync/sync-types.ts';
import { BackgroundRequests } from './background-requests.ts';
import type { ClientSession, OpensSession, SyncReplicasOptions } from './client-session.ts';
import { flushRequests, type Flushed, type FlushOptions } from './flush-requests.ts';
import { openLocalFile, saveAs } from './local-file.ts';
import { ObjectFile } from './object-file.ts';
import { readWhole, toReadable } from './object-stream.ts';

export interface FindOptions {
  /** By default the profile's. */
  readonly consistency?: Consistency;
  readonly signal?: AbortSignal;
}

export interface DownloadFileOptions extends FindOptions {
  /** Fails with `EEXIST` where something has the local name by the time the file is complete. */
  readonly ifAbsent?: boolean;
}

export interface ReadOptions extends FindOptions {
  /** `{start, end}` with the end inclusive, open-ended without it, or `{suffix}`: the last bytes. */
  readonly range?: ByteRange;
}

export interface WriteOptions extends Pick<WriteArguments, 'ifAbsent' | 'ifVersion' | 'signal'> {
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Yours, a UUIDv7: asked again with it, the write happens once. */
  readonly operationId?: string;
}

export interface ListOptions {
  readonly startAfter?: string;
  readonly signal?: AbortSignal;
}

/**
 * Reads, writes and lists the objects of one profile and keeps its replicas filled (docs/reading.md).
 *
 * Paths are names below the profile's base path: `files/my-file.txt`. Every method fails with an error whose `kind` says why
 * (`not-found`, `unavailable`, `condition` …); arguments that make no sense fail with a `RangeError` or `TypeError`.
 * Opened by its first use. Close it: what it queued is never lost, but someone has to carry it out.
 */
export class StorageClient implements AsyncDisposable {
  readonly profile: string;
  readonly #config: OpensSession;
  #opening: Promise<{ readonly session: ClientSession; readonly background: BackgroundRequests }> | undefined;
  #isClosed = false;

  /** Made with `StorageClientConfig`. */
  constructor(config: OpensSession) {
    this.profile = config.profile;
    this.#config = config;
  }

  /** The object, or a range of it, verified where it is read whole. The buffer is the caller's. */
  async read(path: string, options: ReadOptions = {}): Promise<Buffer> {
    return this.#with(async ({ objects, scope }) => {
      using read = await objects.read({ scope, name: path, ...options });
      return await readWhole(read);
    });
  }

  /**
   * The object as a stream. Its last chunk comes only when length and hash are right; a stream that ends with an error has
   * given nothing that can be trusted.
   */
  readStream(path: string, options: ReadOptions = {}): Readable {
    return toReadable(() => this.#with(({ objects, scope }) => objects.read({ scope, name: path, ...options })));
  }

  /** Saves the object as a local file, which appears complete and verified or not at all. */
  async downloadFile(path: string, localPath: string, options: DownloadFileOptions = {}): Promise<void> {
    const { ifAbsent, ...how } = options;
    await this.#with(async ({ objects, scope, parts }) => {
      using read = await objects.read({ scope, name: path, ...how });
      await saveAs(localPath, read, { parts, ifAbsent });
    });
  }

  /** Random access to the version that is current now. */
  async open(path: string, options: FindOptions = {}): Promise<ObjectFile> {
    return this.#with(
      async ({ objects, scope }) => new ObjectFile(await objects.open({ scope, name: path, ...options })),
    );
  }

  /** Writes the object at the source; replicas follow. Returns when it is durable and recorded. */
  async write(
    path: string,
    body: Uint8Array | string | AsyncIterable<Uint8Array>,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    const { contentType, metadata, operationId, ...conditions } = options;
    const attributes = {
      ...(contentType === undefined ? {} : { contentType }),
      ...(metadata === undefined ? {} : { metadata }),
    };
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    return this.#with(({ objects, scope }) =>
      objects.write({ scope, name: path, body: bytes, attributes, operation: operationId, ...conditions }),
    );
  }

  /** Writes a local file as an object, with its modification time and mode. A file that changes meanwhile is refused. */
  async uploadFile(path: string, localPath: string, options: WriteOptions = {}): Promise<WriteResult> {
    const { contentType, metadata, operationId, ...conditions } = options;
    return this.#with(async ({ objects, scope }) => {
      await using file = await openLocalFile(localPath);
      const attributes = {
        ...file.attributes,
        ...(contentType === undefined ? {} : { contentType }),
        ...(metadata === undefined ? {} : { metadata }),
      };
      const { body, size } = file;
      return await objects.write({ scope, name: path, body, size, attributes, operation: operationId, ...conditions });
    });
  }

  /** Copies an object to another name of this profile, with its content type and metadata. */
  async copy(
    path: string,
    newPath: string,
    options: FindOptions & Pick<WriteOptions, 'ifAbsent' | 'ifVersion'> = {},
  ): Promise<WriteResult> {
    const { consistency, ...rest } = options;
    return this.#with(({ objects, scope }) =>
      objects.copy({ from: { scope, name: path, consistency }, to: { scope, name: newPath }, ...rest }),
    );
  }

  /**
   * Deletes the object at the source and all replicas. From its return on it is not served by anybody; stores that could not be
   * asked are `pending`, and tried until they are.
   */
  async delete(
    path: string,
    options: { readonly ifVersion?: string; readonly signal?: AbortSignal } = {},
  ): Promise<DeleteResult> {
    return this.#with(({ objects, scope }) => objects.delete({ scope, name: path, ...options }));
  }

  /** Names that begin with `prefix`. Read `isComplete` after the last one: false where something could not be listed. */
  async list(prefix = '', options: ListOptions = {}): Promise<ObjectListing> {
    return this.#with(async ({ objects, scope }) => objects.list({ scope, prefix, ...options }));
  }

  /** Names that a pattern matches: `*` within a segment, `**` across segments. */
  async glob(pattern: string, options: ListOptions = {}): Promise<ObjectGlob> {
    return this.#with(async ({ objects, scope }) => objects.glob({ scope, pattern, ...options }));
  }

  async info(path: string, options: FindOptions = {}): Promise<ObjectInfo> {
    return this.#with(({ objects, scope }) => objects.inspect({ scope, name: path, ...options }));
  }

  /** False only where the source or a tombstone says so; while nobody can say, it fails with `unavailable`. */
  async exists(path: string, options: FindOptions = {}): Promise<boolean> {
    return this.#with(({ objects, scope }) => objects.exists({ scope, name: path, ...options }));
  }

  /** Waits until the copies and deletes queued for this profile are done, and tells which are not. */
  async flush(options: FlushOptions = {}): Promise<Flushed> {
    return this.#with(async (session, background) => {
      await background.finish();
      return await flushRequests(session, options);
    });
  }

  /** Makes replicas equal to the source, in bulk. */
  async syncReplicas(options: SyncReplicasOptions = {}): Promise<SyncResult> {
    return this.#with((session) => session.syncReplicas(options));
  }

  /** Queued work stays in the catalog: the next client of it, or `pando worker`, carries it out. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    this.#opening = undefined;
    if (opening === undefined) return;
    const opened = await opening.catch(() => undefined);
    if (opened === undefined) return;
    const { session, background } = opened;
    await background.stop();
    await session.objects.settle();
    await session[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #with<T>(work: (session: ClientSession, background: BackgroundRequests) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Error(`the client of ${this.profile} is closed`);
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    const { session, background } = await this.#opening;
    try {
      return await work(session, background);
    } finally {
      background.wake();
    }
  }

  async #open() {
    const session = await this.#config.open();
    const background = new BackgroundRequests(session);
    try {
      await session.objects.recover([session.scope]);
    } catch (error) {
      await session[Symbol.asyncDispose]();
      throw error;
    }
    background.wake();
    return { session, background };
  }
}
