import type { Verification } from '../domain/store/verification.ts';
import type { FailureKind } from '../domain/transfer/retry.ts';
import type { Token } from './storage.ts';

/** One end of a transfer: a store, and where in it the bytes lie or are to lie. */
export interface TransferEnd {
  /** Place of the store, as the catalog knows it. */
  readonly store: string;
  readonly key: string;
  /**
   * The same as others reach it, by the protocol that was chosen for this attempt, percent-encoded and without a secret.
   * Undefined: only who opened the store can.
   */
  readonly url: string | undefined;
}

export interface TransferSource extends TransferEnd {
  /** Given: only what the store holds under this token, where the tool `comparesTokens`. */
  readonly token: Token | undefined;
}

/** What is to arrive, and nothing else. */
export interface TransferContent {
  readonly size: number;
  /** Lower-case hex; undefined: never read in full yet, the tool reports what it read. */
  readonly sha256: string | undefined;
  /** Lower-case hex of what else is known: `adler32` (eight digits), `md5`, `crc32c`. */
  readonly checksums: Readonly<Record<string, string>>;
  /** Operation of the version: what a tool that leaves marks marks the copy with. */
  readonly operation: string;
}

/** One attempt at a request. */
export interface Transfer {
  /**
   * Names the attempt, in printable ASCII of at most 200 characters: the same for the same attempt, whoever asks, and never given
   * to another one. Made of the request and the token of its lease, so that the next owner of the request can tell what the last
   * one submitted: `idOf` of the token before his.
   */
  readonly attempt: string;
  /** Best first, at least one, each of them one the tool `canTransfer` from. The next is asked when one fails. */
  readonly sources: readonly TransferSource[];
  readonly destination: TransferEnd;
  /** What the destination was seen to hold, and may be replaced; undefined: nothing, and nothing is replaced. */
  readonly onto: Token | undefined;
  /** Operations: what carries the mark of one of them is replaced as well. A tool that knows no marks need not heed it. */
  readonly leftFrom?: readonly string[];
  readonly content: TransferContent;
  /** 0 is most urgent. */
  readonly priority: number;
  /** Why it is made, for tools that share out their room by it. */
  readonly activity?: string;
}

/** What became of one submitted transfer, in the order of the batch. `id` is `idOf` its attempt. */
export type Submission =
  /** `isRepeat`: it was known already, and nothing new was begun. */
  | { readonly kind: 'accepted'; readonly id: string; readonly isRepeat: boolean }
  /** Asked, and not answered: it may be under way. To be polled, and submitted again under the same attempt once it is `lost`. */
  | { readonly kind: 'unsure'; readonly id: string; readonly why: string }
  | { readonly kind: 'refused'; readonly reason: RefusalReason; readonly why: string };

/**
 * - `duplicate`: something else is on its way to this destination.
 * - `denied`: the tool does not serve who asks, or not any more.
 * - `unsupported`: it does not understand this transfer, and never will.
 * - `unavailable`: it does not answer, or has no room now. Nothing was begun.
 */
export type RefusalReason = 'duplicate' | 'denied' | 'unsupported' | 'unavailable';

/** One source that was tried and failed. `at` and `kind` as in `WayFailure`. */
export interface FailedSource {
  /** Place of its store. */
  readonly source: string;
  readonly at: 'source' | 'between' | 'destination';
  readonly kind: FailureKind;
  readonly why: string;
}

export type TransferOutcome =
  | {
      readonly kind: 'arrived';
      /** Place of the store that gave the bytes; undefined: not known, or they lay there before (`wasThere`). */
      readonly source: string | undefined;
      readonly wasThere: boolean;
      /** As the tool saw it at the destination; undefined: it did not look. */
      readonly size: number | undefined;
      /** By algorithm, of the bytes that were compared with or read at the destination; empty: none were. */
      readonly checksums: Readonly<Record<string, string>>;
      /** Of the copy; undefined: the tool does not know tokens, and whoever records it asks the store. */
      readonly token: Token | undefined;
      /** What the tool vouches for. `none`: the copy is to be read before it is `AVAILABLE` (I2). */
      readonly verification: Verification;
      /** It was, or may have been, published after the time given to `extend`. */
      readonly isLate: boolean;
      /** Sources that failed before this one. */
      readonly failed: readonly FailedSource[];
    }
  /** The last of `failed` is why. Of a transfer that was cancelled its kind is `aborted`. */
  | { readonly kind: 'failed'; readonly failed: readonly [FailedSource, ...FailedSource[]] }
  /** The destination takes no writes now: nothing was published, and `why` says so. */
  | { readonly kind: 'held-back'; readonly why: string }
  /** The tool does not know the id: it was never submitted, or is forgotten. */
  | { readonly kind: 'lost' };

export interface TransferReport {
  readonly id: string;
  readonly outcome: TransferOutcome;
}

export type TransferStatus =
  /** `bytes`: moved so far, where the tool tells. */
  | { readonly id: string; readonly kind: 'running'; readonly bytes: number | undefined }
  | ({ readonly kind: 'final' } & TransferReport)
  /** Nothing is known, and nothing follows from it (I9). */
  | { readonly id: string; readonly kind: 'no-answer'; readonly why: string };

/** Differences between tools that the engine goes by; nothing else may make one. */
export interface TransferToolCapabilities {
  /** Transfers go on when this process ends, and are found again by their ids. Otherwise they end with it, and are `lost`. */
  readonly outlivesProcess: boolean;
  /** Nothing is published after the time given to `extend`. Otherwise whoever takes the report looks whether it is still wanted. */
  readonly isFenced: boolean;
  /** Sources are read, and destinations replaced, under their tokens only. Otherwise `onto` says no more than that it may be replaced. */
  readonly comparesTokens: boolean;
  /** Most transfers, or ids, that one call takes. */
  readonly batchMax: number;
}

/**
 * Brings bytes from one store to another (docs/transfers.md). Inside this process, in a cluster, or a service such as FTS3; every
 * tool passes `describeTransferToolContract` of `pando-replica/testing`.
 *
 * - **Once.** Submitting an attempt again begins nothing, whoever submits it: `idOf` is a function of the attempt and nothing else.
 *   So what was submitted and not recorded is found again.
 * - **All of it, or nothing.** At the destination either the wanted bytes are visible, or what was there before. A tool that cannot
 *   promise this says `verification: 'none'`.
 * - **Reports** come by `poll` and to listeners, by one or by both, any number of times, in any order, also before `submit` has
 *   answered. All that are told of one id say the same, but for `lost`, which may follow once a tool has forgotten. What a report
 *   does must be done once, by whoever takes it (I12).
 * - **Failures** of single transfers, and of the way to the tool, are answers, one for each item in the order asked. Calls without
 *   a place for one (`cancel`, `prioritise`) fail with `TransferToolError`. Every call ends within the tool's own deadline.
 * - **Secrets** appear in no id, answer or message (I10).
 * - Disposal ends listening and the calls under way; of transfers what `outlivesProcess` says.
 */
export interface TransferTool extends AsyncDisposable {
  /** For messages, attempts and `explain`: `local`, `fts3`. */
  readonly name: string;
  readonly capabilities: TransferToolCapabilities;

  /** Whether the tool knows a way between these two stores by these protocols. Asks nobody. */
  canTransfer(source: TransferEnd, destination: TransferEnd): boolean;
  /** The id the tool knows an attempt by, before and after it is submitted. */
  idOf(attempt: string): string;
  submit(batch: readonly Transfer[]): Promise<readonly Submission[]>;
  poll(ids: readonly string[]): Promise<readonly TransferStatus[]>;
  /**
   * Ends what is not over yet, as far as the tool can. What was under way is reported all the same: `failed` as `aborted`, or
   * `arrived` if it was faster. Of ids that are over or unknown nothing happens.
   */
  cancel(ids: readonly string[]): Promise<void>;
  /** For those that wait; 0 is most urgent. A tool without priorities does nothing. */
  prioritise(ids: readonly string[], priority: number): Promise<void>;
  /** Until then (`Clock.monotonicMs`) all transfers of this tool may publish; once it is over, those that are not published fail. */
  extend(publishUntilMs: number): void;
  /** `listener` is told of each report as it comes in; a tool without a push channel never calls it. Call what is returned to end it. */
  onReport(listener: (report: TransferReport) => void): () => void;
}

/** The tool did not do what it was asked. Never contains a secret. */
export class TransferToolError extends Error {
  override readonly name = 'TransferToolError';
  readonly kind: 'denied' | 'unavailable' | 'timeout' | 'unsupported';

  constructor(kind: TransferToolError['kind'], tool: string, why: string, cause?: unknown) {
    super(`${tool}: ${why}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}
