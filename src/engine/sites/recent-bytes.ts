/** Kept at once, in all. */
const BYTES_MAX = 16 * 1024 * 1024;
/** Larger ones are read again. */
const SMALL_BYTES_MAX = 256 * 1024;

interface Recent {
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Bytes of small versions that were kept a moment ago: peers are sent them now, and they need not be read for that. */
export class RecentBytes {
  readonly #kept = new Map<string, Recent>();
  #sum = 0;

  add(operation: string, sha256: string, bytes: Uint8Array): void {
    if (bytes.length > SMALL_BYTES_MAX || this.#kept.has(operation)) return;
    // Its own copy: what came over a connection is a part of something larger.
    this.#kept.set(operation, { sha256, bytes: new Uint8Array(bytes) });
    this.#sum += bytes.length;
    for (const [oldest, { bytes: gone }] of this.#kept) {
      if (this.#sum <= BYTES_MAX) break;
      this.#kept.delete(oldest);
      this.#sum -= gone.length;
    }
  }

  get(operation: string, sha256: string | undefined): Uint8Array | undefined {
    const recent = this.#kept.get(operation);
    return recent !== undefined && recent.sha256 === sha256 ? recent.bytes : undefined;
  }
}
