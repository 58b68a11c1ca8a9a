import type { Context, Dot } from './dot.ts';
import type { HybridTime } from './hybrid-clock.ts';

/** What a version says about an object's bytes (docs/versions.md). Times in nanoseconds since 1970, sizes in bytes. */
export interface ObjectContent {
  readonly kind: 'object';
  readonly size: number;
  /** Lower-case hex; undefined until the bytes were read in full for the first time (seen in a listing only). */
  readonly sha256: string | undefined;
  readonly contentType?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly modifiedNs?: bigint;
  readonly mode?: number;
  /** Lower-case hex, of what was written over HTTP: its ETag. */
  readonly md5?: string;
}

/** The object was deleted. */
export interface Tombstone {
  readonly kind: 'tombstone';
}

export type Content = ObjectContent | Tombstone;

/** One state of an object. `id` belongs to one catalog; the dot is known everywhere. */
export interface Version {
  readonly id: number;
  readonly dot: Dot;
  readonly context: Context;
  readonly time: HybridTime;
  /** The site that wrote it. */
  readonly origin: string;
  /** UUIDv7 of the write; two versions with one operation are one write. */
  readonly operation: string;
  readonly content: Content;
}
