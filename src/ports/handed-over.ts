import type { Lease } from './catalog.ts';

/**
 * What was given to transfer tools that outlive their worker (docs/transfers.md, "After a crash"). It is written down before it is
 * submitted, and stays with its request until the tool's last word on it was recorded.
 */
export interface HandedOver {
  /** As the configuration calls it. */
  readonly tool: string;
  /** `Transfer.attempt`: what the tool's id follows from. */
  readonly attempt: string;
}

export interface HandedOverCatalog {
  /** A worker is about to submit. One boolean each, in order: false where its lease is lost, and nothing is to be submitted. */
  handOver(handed: readonly (HandedOver & { readonly lease: Lease })[]): Promise<readonly boolean[]>;
  /** Of cancelled requests, what these tools may still be carrying out; oldest first. */
  listAbandoned(tools: readonly string[], limit: number): Promise<readonly AbandonedTransfer[]>;
  /** The tool has ended it, and nothing of it is left at the store. Nothing happens where the request was asked for again since. */
  forgetAbandoned(over: readonly Pick<AbandonedTransfer, 'requestId' | 'attempt'>[]): Promise<void>;
}

export interface AbandonedTransfer extends HandedOver {
  readonly requestId: number;
  readonly scope: string;
  readonly name: string;
  readonly versionId: number;
  /** Place of the destination. */
  readonly store: string;
}
