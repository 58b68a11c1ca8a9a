import type { InHand, TransferLimits } from '../domain/transfer/transfer-limits.ts';
import type { Lease } from './catalog.ts';

/** What the catalog does about limits of transfers; `RequestClaim.limits` is the rest of it (docs/transfers.md, "Limits"). */
export interface LimitedTransfers {
  /**
   * `chooseSources`, within limits: of each the first source that has room. Where none has, the request is given back to wait for the
   * first one, without an attempt; it keeps its place in the queue. One answer each, in their order.
   */
  chooseSourcesWithin(wanted: readonly SourcesWanted[], limits: TransferLimits): Promise<readonly SourceChosen[]>;
  /** Transfers under way of all who claim with limits. */
  readTransfersInHand(): Promise<readonly InHand[]>;
}

export interface SourcesWanted {
  readonly lease: Lease;
  /** Best first, at least one. */
  readonly sources: readonly { readonly source: string; readonly protocol: string }[];
}

export type SourceChosen =
  | { readonly kind: 'chosen'; readonly at: number }
  | { readonly kind: 'waits'; readonly why: string }
  | { readonly kind: 'lost-lease' };
