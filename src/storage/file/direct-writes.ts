import { ALIGNMENT, makeAlignedBuffer } from './aligned-buffer.ts';
import { errorCodeOf } from './file-errors.ts';
import { type FileIo, waitingIo } from './file-io.ts';
import type { NativeFiles } from './native.ts';

/** Smaller files are cheaper written together, by one flush. */
const DIRECT_FROM = 256 * 1024;
/** Given to the disk at once: enough to keep it busy, and two of them are all the memory a writer takes. */
const BUFFER_BYTES = 2 * 1024 * 1024;
/** Buffers kept for the next file. */
const FREE_MAX = 4;
/**
 * Where nobody waits for the disk anyway: one write at a time of half a dozen at once. A disk that does less takes them slower than
 * the page cache does.
 */
const FAST_BYTES_PER_MS = 100_000;
/** So much is written before that is judged. */
const JUDGED_AFTER_BYTES = 16 * 1024 * 1024;

/** `where-fast`: only onto a disk that takes them as fast as memory would. */
export type DirectWritesWanted = 'always' | 'where-fast';

/**
 * Writes of one store past the page cache: what must be durable soon is not copied into memory first, of which the system would
 * have to find and clear as much, and then be waited for. Where a file system cannot, nothing is lost and it is not asked again
 * (docs/stores.md, "Type file").
 */
export class DirectWrites {
  readonly #io: FileIo;
  readonly #native: NativeFiles | undefined;
  readonly #free: Uint8Array[] = [];
  readonly #wanted: DirectWritesWanted;
  #isSupported = true;
  #bytes = 0;
  #milliseconds = 0;
  readonly #nowMs: () => number;

  constructor(options: {
    readonly io: FileIo;
    readonly native: NativeFiles | undefined;
    readonly wanted: DirectWritesWanted;
    /** Monotonic. */
    readonly nowMs?: () => number;
  }) {
    const { io, native, wanted, nowMs = () => performance.now() } = options;
    this.#nowMs = nowMs;
    this.#io = io;
    this.#native = native;
    this.#wanted = wanted;
  }

  /** For an open file at its beginning; undefined: write as usual. `end` or `stop` it. */
  begin(fd: number, bytes: number | undefined): DirectWrite | undefined {
    const native = this.#native;
    if (native === undefined || !this.#isSupported || bytes === undefined || bytes < DIRECT_FROM) return undefined;
    if (native.setDirect(fd, true) < 0) {
      this.#isSupported = false;
      return undefined;
    }
    return new DirectWrite(fd, {
      io: this.#io,
      native,
      take: () => this.#free.pop() ?? makeAlignedBuffer(BUFFER_BYTES, native),
      give: (buffer) => void (this.#free.length < FREE_MAX && this.#free.push(buffer)),
      nowMs: this.#nowMs,
      onRefused: () => void (this.#isSupported = false),
      onWritten: (bytes, milliseconds) => this.#judge(bytes, milliseconds),
    });
  }

  #judge(bytes: number, milliseconds: number): void {
    this.#bytes += bytes;
    this.#milliseconds += milliseconds;
    if (this.#wanted === 'always' || this.#bytes < JUDGED_AFTER_BYTES) return;
    if (this.#bytes < this.#milliseconds * FAST_BYTES_PER_MS) this.#isSupported = false;
  }
}

interface DirectWriteOptions {
  readonly io: FileIo;
  readonly native: NativeFiles;
  readonly take: () => Uint8Array;
  readonly give: (buffer: Uint8Array) => void;
  readonly nowMs: () => number;
  /** The file system took the mode and refuses the write. */
  readonly onRefused: () => void;
  readonly onWritten: (bytes: number, milliseconds: number) => void;
}

/** One file written so. While the disk takes one buffer, the other is filled. */
export class DirectWrite {
  readonly #fd: number;
  readonly #o: DirectWriteOptions;
  #buffer: Uint8Array;
  #filled = 0;
  /** From here on it is written as usual. */
  #isRefused = false;
  #other: Uint8Array | undefined;
  #underWay: Promise<void> | undefined;

  constructor(fd: number, options: DirectWriteOptions) {
    this.#fd = fd;
    this.#o = options;
    this.#buffer = options.take();
  }

  /** Takes the bytes over. A failure may be told by a later call. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === this.#buffer.length) await this.#next();
      const taken = Math.min(bytes.length - at, this.#buffer.length - this.#filled);
      this.#buffer.set(bytes.subarray(at, at + taken), this.#filled);
      this.#filled += taken;
      at += taken;
    }
  }

  /** All bytes are with the disk, or, what is left at the end, with the system. */
  async end(): Promise<void> {
    await this.#underWay;
    const whole = this.#filled - (this.#filled % ALIGNMENT);
    await this.#writeAll(this.#buffer.subarray(0, whole));
    this.#o.native.setDirect(this.#fd, false);
    for (let at = whole; at < this.#filled; )
      at += await this.#o.io.write(this.#fd, this.#buffer.subarray(at, this.#filled));
  }

  /** After `end`, or instead of it: nothing is written any more. */
  async stop(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
    this.#o.give(this.#buffer);
    if (this.#other !== undefined) this.#o.give(this.#other);
  }

  async #next(): Promise<void> {
    await this.#underWay;
    const full = this.#buffer;
    this.#buffer = this.#other ?? this.#o.take();
    this.#other = full;
    this.#filled = 0;
    this.#underWay = this.#writeAll(full);
    // Told by whoever waits for it.
    this.#underWay.catch(() => undefined);
  }

  /** Never by a blocking call: this thread has the next buffer to fill, or the next file. */
  async #writeAll(bytes: Uint8Array): Promise<void> {
    const { native, nowMs, onRefused, onWritten } = this.#o;
    const startMs = nowMs();
    for (let at = 0; at < bytes.length; ) {
      try {
        at += await waitingIo.write(this.#fd, at === 0 ? bytes : bytes.subarray(at));
      } catch (error) {
        // Larger blocks than any known disk's, or a file system that goes back on its word.
        if (errorCodeOf(error) !== 'EINVAL' || this.#isRefused) throw error;
        this.#isRefused = true;
        onRefused();
        if (native.setDirect(this.#fd, false) < 0) throw error;
      }
    }
    onWritten(bytes.length, nowMs() - startMs);
  }
}
