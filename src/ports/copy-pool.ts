import type { Attributes, Head, StorageErrorKind, Token } from './storage.ts';
import type { Verification } from '../domain/store/verification.ts';

/**
 * How one copy of an object is brought to a target.
 *
 * - `copy`: it is absent there, or known to differ.
 * - `compare-hash`: bytes are there that may be right; they are read and copied over only if they differ.
 * - `compare-time`: as above, but size and modification time decide (`head`), nothing is read.
 */
export type CopyMethod = 'copy' | 'compare-hash' | 'compare-time';

export interface CopyTarget {
  /** Index into the page's targets. */
  readonly target: number;
  readonly how: CopyMethod;
  /** What the listing found there; undefined: nothing. Published only onto this. */
  readonly expected: Token | undefined;
  /** Where it goes at the target; absent: under the item's own key. */
  readonly key?: string;
}

/** Bytes that are known before they are read: others are not published. */
export interface WantedBytes {
  /** Which store gives them. Index: the source is 0, the targets follow. */
  readonly store: number;
  /** Given: only what the store holds under this token. */
  readonly token: Token | undefined;
  readonly size: number;
  /** Undefined: not known yet; this copy is their first full read. */
  readonly sha256: string | undefined;
}

/** One object to be brought to one or more targets: read once, written to all. */
export interface CopyItem {
  readonly key: string;
  /** Bytes, as listed; only to plan with. */
  readonly size: number;
  readonly targets: readonly CopyTarget[];
  /** Id of the version if these bytes turn out to be a new one. */
  readonly operation: string;
  /** The version the catalog takes for current, where it has a hash: the same bytes are the same version. */
  readonly known: { readonly sha256: string; readonly operation: string } | undefined;
  /** The source's copy of `known` is in doubt: other bytes than its are nobody's new version, and are not copied. */
  readonly isSourceInDoubt?: true;
  /** Given: these bytes and no others, from the store they name. Absent: what the source holds, whatever it is. */
  readonly wanted?: WantedBytes;
}

export interface CopyPage {
  readonly items: readonly CopyItem[];
  /** Until then (`Clock.monotonicMs`) results may be published; after it everything staged is discarded as `fenced`. */
  readonly publishUntilMs: number;
  readonly readBack: boolean;
}

/** `held-back`: what lies there takes no writes now, and the message says why. */
export interface CopyFailure {
  readonly kind: StorageErrorKind | 'fenced' | 'held-back';
  readonly message: string;
  /** Whose failure it was, where that is known. */
  readonly at?: 'source' | 'destination';
}

/** Keys of a target where nothing is to be published now: all that begin so. */
export interface HeldBackPart {
  /** Index, as `CopyTarget.target`. */
  readonly target: number;
  readonly prefix: string;
  readonly why: string;
}

export type CopyTargetOutcome =
  | {
      readonly target: number;
      readonly kind: 'copied';
      readonly token: Token;
      readonly verification: Verification;
      /** It was published, or may have been, after `publishUntilMs`: whoever holds the lease by then has not reckoned with it. */
      readonly isLate: boolean;
    }
  | {
      readonly target: number;
      readonly kind: 'same';
      readonly token: Token;
      readonly verification: Verification;
    }
  | {
      readonly target: number;
      readonly kind: 'failed';
      readonly failure: CopyFailure;
      /** It was the source that failed, for all targets that were left by then. */
      readonly isAtSource?: true;
    };

export interface CopyOutcome {
  readonly key: string;
  /** What was read, all of it, from one state of the source; undefined if it could not be. */
  readonly source:
    | {
        readonly token: Token;
        readonly size: number;
        readonly sha256: string | undefined;
        readonly attributes: Attributes;
        /** The reading began then, in milliseconds since 1970: what was written later may not be in it. */
        readonly readAfterMs: number;
      }
    | undefined;
  /** One for each target of the item, in order. */
  readonly targets: readonly CopyTargetOutcome[];
  readonly attempts: number;
}

/** One copy to be read from its first byte to its last. */
export interface ReadItem {
  /** Index: the source is 0, the targets follow. */
  readonly store: number;
  readonly key: string;
  /** What the listing showed; what is there instead is read once more as it is. Undefined: it is read as it is. */
  readonly token: Token | undefined;
}

export interface ReadPage {
  readonly items: readonly ReadItem[];
}

/** `sha256`: of all the bytes, whose number is the head's size. */
export type ReadOutcome =
  | { readonly kind: 'read'; readonly head: Omit<Head, 'digests'>; readonly sha256: string }
  | { readonly kind: 'failed'; readonly failure: CopyFailure };

/**
 * Told a few times a second while a large object of the page is under way, and never for small ones: bytes moved so far for
 * all of the page, over all targets. Falls when an attempt is begun anew; what it says ends with the page.
 */
export type OnMoved = (bytes: number) => void;

/**
 * Carries out pages of copies and of reads, several at a time: threads, processes, other machines. Every page given is answered,
 * an item for an item; a slot that dies is noticed, replaced, and its page carried out again.
 */
export interface CopyPool extends AsyncDisposable {
  /** Pages that can be under way at once. */
  readonly slots: number;
  /** Objects a page should hold: as many as pay for a common flush, as few as keep all slots busy. */
  readonly pageItems: number;
  /** With `signal` aborted this page is given up as by `stop`, as far as the pool can. */
  run(page: CopyPage, onMoved: OnMoved, signal?: AbortSignal): Promise<readonly CopyOutcome[]>;
  read(page: ReadPage, onMoved: OnMoved): Promise<readonly ReadOutcome[]>;
  /** Pages under way may publish until then (`Clock.monotonicMs`). */
  extend(publishUntilMs: number): void;
  /**
   * There nothing is published any more, by pages under way either, until told otherwise; it takes the place of what was told before.
   * What is not published for it fails as `held-back`.
   */
  holdBack(parts: readonly HeldBackPart[]): void;
  /** Pages under way finish what is staged, give up large objects half-way, and take nothing new. */
  stop(): void;
}
