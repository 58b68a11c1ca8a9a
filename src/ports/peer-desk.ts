import type { Batch, Fetched, Hello, SentOutcome } from './peer-link.ts';

/** What a site does when a peer asks (docs/peer-protocol.md): the other end of a `PeerLink`. `peer`: who asks, as it proved. */
export interface PeerDesk {
  /** Whether a peer with this token may speak; of one that may, as whom. */
  admit(token: string | undefined, from: Hello | undefined): Promise<Admitted>;
  hello(from: Hello): Promise<Hello>;
  receive(batch: Batch, signal: AbortSignal): Promise<readonly SentOutcome[]>;
  open(operation: string, start: number, signal: AbortSignal): Promise<Fetched>;
  told(from: string, operations: readonly string[]): Promise<void>;
}

export type Admitted = { readonly kind: 'admitted' } | { readonly kind: 'refused'; readonly why: string };
