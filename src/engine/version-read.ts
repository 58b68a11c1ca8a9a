import { createHash, type Hash } from 'node:crypto';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { Finding } from '../domain/replica/observation.ts';
import type { ByteSpan } from '../domain/transfer/byte-range.ts';
import type { Clock } from '../ports/clock.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { BodyChunks } from './body-chunks.ts';
import { Deadline } from './deadline.ts';
import { type Attempt, noSourceServed, ObjectError } from './object-error.ts';
import type { StoreHealth } from './store-health.ts';

/** One store that has the version, and the token its bytes are known by. */
export interface Source {
  readonly storage: Storage;
  readonly place: string;
  readonly token: string;
  /** Its bytes were verified to be the version's. */
  readonly verified: boolean;
  /** Its circuit is half-open: this request decides. */
  readonly probe: boolean;
}

/** Where a read gets its sources from, and whom it tells how they did. */
export interface Sources {
  next(): Promise<Source | undefined>;
  failed(source: Source, error: StorageError, failure: SourceFailure): Promise<void>;
  /** All bytes came from this one source, which was not verified before; this is their hash. */
  confirmed(source: Source, sha256: string): void;
  readonly attempts: readonly Attempt[];
  /** The object has another current version by now. */
  readonly superseded: boolean;
}

export interface SourceFailure {
  readonly finding: Finding | undefined;
  /** It broke off after giving something: worth another try, once the others were asked. */
  readonly brokeOff: boolean;
}

/** The version to read, and how much of it. */
export interface VersionSpan {
  readonly object: ObjectName;
  readonly size: number;
  readonly sha256: string | undefined;
  readonly span: ByteSpan;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Bytes that are wrong, whatever store they come from next. */
class WrongBytes extends StorageError {
  readonly finding: Finding;

  constructor(finding: Finding, source: Source, why: string) {
    super('corrupt', { store: source.storage.name, key: source.place }, why);
    this.finding = finding;
  }
}

interface OpenSource {
  readonly source: Source;
  readonly chunks: BodyChunks;
  readonly startedAt: number;
}

/**
 * Reads one span of exactly one version from as many sources as it takes (I3).
 *
 *     open ──> pouring ──(all bytes, right length, right hash)──> done
 *      ^          │
 *      └──────────┴─(the source breaks, hangs, lies)── another source, at the offset reached, or the read fails
 *
 * - Each source is asked for the token the version is known by there; another token never mixes in.
 * - A source continues what another began only if both hold verified copies of a version whose hash is known, or if it is the
 *   same store with the same token.
 * - The last chunk is held back until length and hash are right, so a caller never has a complete, wrong object in hand. When the
 *   hash is wrong after bytes went out, the read fails: a caller of a stream must take the error for what it is.
 */
export class VersionRead {
  readonly #ports: { readonly clock: Clock; readonly health: StoreHealth };
  readonly #sources: Sources;
  readonly #version: VersionSpan;
  readonly #isWhole: boolean;
  #hash: Hash;
  /** Up to here bytes came; all before the last chunk are with the caller. */
  #offset: number;
  #delivered = 0;
  /** The caller has this version's description in hand: no other one will do. */
  #isCommitted = false;
  #contributors: Source[] = [];
  #opened: OpenSource | undefined;

  constructor(ports: { readonly clock: Clock; readonly health: StoreHealth }, sources: Sources, version: VersionSpan) {
    this.#ports = ports;
    this.#sources = sources;
    this.#version = version;
    this.#isWhole = version.span.start === 0 && version.span.end === version.size;
    this.#hash = createHash('sha256');
    this.#offset = version.span.start;
  }

  /** The store whose bytes are, or were last, being read. */
  get servedBy(): Source | undefined {
    return this.#opened?.source ?? this.#contributors.at(-1);
  }

  /** From here on the read stays with this version, also when it is not the current one any more. */
  commit(): void {
    this.#isCommitted = true;
  }

  /** Asks one source after another until one answers. False: the version is not the current one any more, nothing was read. */
  async open(): Promise<boolean> {
    for (let source = await this.#sources.next(); source !== undefined; source = await this.#sources.next()) {
      // Looking for one may have shown that the object is another by now, which others still have as it was.
      if (this.#sources.superseded && !this.#isCommitted) return false;
      if (!this.#mayContinueWith(source)) continue;
      try {
        this.#opened = await this.#get(source);
        return true;
      } catch (error) {
        await this.#fail(source, error);
      }
    }
    if (this.#sources.superseded && !this.#isCommitted) return false;
    throw noSourceServed(this.#version.object, this.#sources.attempts);
  }

  /** The span whole, in memory, verified before anybody sees it; undefined: superseded. Wrong bytes cost only another source. */
  async bytes(): Promise<Uint8Array | undefined> {
    const { start, end } = this.#version.span;
    const bytes = new Uint8Array(end - start);
    while (await this.open()) {
      try {
        for await (const chunk of this.#pour()) bytes.set(chunk, this.#offset - start - chunk.length);
        return bytes;
      } catch (error) {
        await this.#failOpened(error);
        this.#restart();
        if (this.#sources.superseded && !this.#isCommitted) return undefined;
      } finally {
        this.#close();
      }
    }
    return undefined;
  }

  /** The span chunk by chunk, after `open`. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    this.commit();
    try {
      for (;;) {
        try {
          yield* this.#pour();
          return;
        } catch (error) {
          await this.#failOpened(error);
          if (this.#delivered === 0) this.#restart();
          else if (error instanceof WrongBytes && error.finding === 'wrong-bytes') throw this.#corrupt(error);
        }
        this.#close();
        await this.open();
      }
    } finally {
      this.#close();
    }
  }

  /** Ends the read early; safe at any time. */
  close(): void {
    this.#close();
  }

  async *#pour(): AsyncGenerator<Uint8Array> {
    const opened = this.#opened;
    if (opened === undefined) throw this.#closed();
    const { source, chunks } = opened;
    const { end } = this.#version.span;
    let last: Uint8Array | undefined;
    this.#contributors.push(source);
    while (this.#offset < end) {
      const chunk = await chunks.next();
      if (chunk === undefined)
        throw new WrongBytes('wrong-length', source, `it ended at byte ${this.#offset} of ${end}`);
      if (this.#offset + chunk.length > end) throw tooLong(source);
      this.#hash.update(chunk);
      this.#offset += chunk.length;
      if (this.#offset === end) last = new Uint8Array(chunk);
      else {
        this.#delivered += chunk.length;
        yield chunk;
      }
    }
    if (await hasMore(chunks)) throw tooLong(source);
    this.#verify(source);
    if (last !== undefined) yield last;
  }

  #verify(source: Source): void {
    if (!this.#isWhole) return;
    const { sha256 } = this.#version;
    const found = this.#hash.digest('hex');
    const isAlone = this.#contributors.every((one) => one.storage === source.storage);
    if (sha256 !== undefined && sha256 !== found)
      throw new WrongBytes(
        'wrong-bytes',
        source,
        `sha256 is ${found}, recorded is ${sha256}${isAlone ? '' : ' (several stores gave parts of it)'}`,
      );
    if (isAlone && !source.verified) this.#sources.confirmed(source, found);
  }

  async #get(source: Source): Promise<OpenSource> {
    const { storage, place, token, probe } = source;
    const { span, size, deadlineMs, signal } = this.#version;
    const deadline = new Deadline(this.#ports.clock, deadlineMs, { store: storage.name, key: place }, signal);
    if (probe) this.#ports.health.probeBegan(storage.place);
    const range = this.#isWhole && this.#offset === 0 ? {} : { span: { start: this.#offset, end: span.end } };
    try {
      const got = await deadline.within((aborted) => storage.get(place, { ...range, ifToken: token, signal: aborted }));
      this.#ports.health.answered(storage.place);
      const opened = { source, chunks: new BodyChunks(got.body, deadline), startedAt: this.#offset };
      const problem = compareHead(source, got.head, size);
      if (problem !== undefined) opened.chunks.close();
      if (problem !== undefined) throw problem;
      return opened;
    } catch (error) {
      deadline[Symbol.dispose]();
      throw error;
    }
  }

  #mayContinueWith(source: Source): boolean {
    return this.#contributors.every(
      (before) =>
        (before.storage === source.storage && before.token === source.token) ||
        (before.verified && source.verified && this.#version.sha256 !== undefined),
    );
  }

  /** What failed before there was a body. */
  async #fail(source: Source, error: unknown): Promise<void> {
    if (!(error instanceof StorageError)) throw error;
    this.#ports.health.failed(source.storage.place, error);
    await this.#sources.failed(source, error, { finding: findingOf(error), brokeOff: false });
    if (error.kind === 'aborted') throw this.#gaveUp(error);
  }

  /** What failed while its bytes were coming. A hash over parts from several stores accuses them all. */
  async #failOpened(error: unknown): Promise<void> {
    const opened = this.#opened;
    if (!(error instanceof StorageError)) throw error;
    if (opened === undefined) throw this.#closed();
    const { source, startedAt } = opened;
    this.#ports.health.failed(source.storage.place, error);
    const brokeOff = error.kind === 'unavailable' && this.#offset > startedAt;
    const others = new Set(this.#contributors.filter((one) => one.storage !== source.storage));
    const isShared = error instanceof WrongBytes && error.finding === 'wrong-bytes' && others.size > 0;
    for (const other of isShared ? others : [])
      await this.#sources.failed(other, error, { finding: 'part-of-wrong-bytes', brokeOff: false });
    await this.#sources.failed(source, error, {
      finding: isShared ? 'part-of-wrong-bytes' : findingOf(error),
      brokeOff,
    });
    if (error.kind === 'aborted') throw this.#gaveUp(error);
  }

  #corrupt(error: WrongBytes): ObjectError {
    const why = `${error.message}; what was delivered of it cannot be trusted`;
    return new ObjectError('corrupt', this.#version.object, why, { attempts: this.#sources.attempts, cause: error });
  }

  #closed(): ObjectError {
    return new ObjectError('aborted', this.#version.object, 'the read was closed before its end');
  }

  #gaveUp(error: StorageError): ObjectError {
    return new ObjectError('aborted', this.#version.object, 'the caller gave up', {
      cause: this.#version.signal?.reason ?? error,
    });
  }

  /** Nothing was delivered: the next source starts clean. */
  #restart(): void {
    this.#hash = createHash('sha256');
    this.#offset = this.#version.span.start;
    this.#contributors = [];
  }

  #close(): void {
    this.#opened?.chunks.close();
    this.#opened = undefined;
  }
}

/** A store that answers with something else than what it was asked for. */
function compareHead(
  source: Source,
  head: { readonly token: string; readonly size: number },
  size: number,
): StorageError | undefined {
  const where = { store: source.storage.name, key: source.place };
  if (head.token !== source.token)
    return new StorageError('precondition-failed', where, 'it holds other bytes than recorded');
  if (head.size !== size) return new WrongBytes('wrong-length', source, `it holds ${head.size} bytes of ${size}`);
  return undefined;
}

/** Whether a source gives more than it should. One that breaks where it should end has given all that was asked for. */
async function hasMore(chunks: BodyChunks): Promise<boolean> {
  try {
    return (await chunks.next()) !== undefined;
  } catch {
    return false;
  }
}

function tooLong(source: Source): WrongBytes {
  return new WrongBytes('wrong-bytes', source, 'more bytes came than were asked for');
}

function findingOf(error: StorageError): Finding | undefined {
  if (error instanceof WrongBytes) return error.finding;
  if (error.kind === 'not-found') return 'missing';
  if (error.kind === 'precondition-failed' || error.kind === 'changed') return 'other-token';
  return error.kind === 'corrupt' ? 'wrong-bytes' : undefined;
}
