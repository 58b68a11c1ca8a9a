import type { Digests } from '../domain/journal/digest.ts';
import type {
  Batch,
  DigestQuery,
  Fetched,
  Floor,
  Hello,
  ListedObject,
  ListingQuery,
  SentAnswer,
  ToldEntries,
  Wanted,
} from './peer-link.ts';

/** What a site does when a peer asks (docs/peer-protocol.md): the other end of a `PeerLink`. `peer`: who asks, as it proved. */
export interface PeerDesk {
  /** Whether a peer with this token may speak; of one that may, as whom. */
  admit(token: string | undefined, from: Hello | undefined): Promise<Admitted>;
  /** Whether one who was admitted as nobody may speak as this site. */
  believe(site: string): Promise<Admitted>;
  hello(from: Hello): Promise<Hello>;
  receive(batch: Batch, signal: AbortSignal): Promise<SentAnswer>;
  open(wanted: Wanted, signal: AbortSignal): Promise<Fetched>;
  digests(query: DigestQuery): Promise<Digests>;
  listing(query: ListingQuery): Promise<readonly ListedObject[]>;
  raiseFloor(floor: Floor): Promise<void>;
  told(told: ToldEntries): Promise<void>;
}

/** `site`: who speaks, where its token says so. `byTicket`: only to fetch, and to tell of it. */
export type Admitted =
  | { readonly kind: 'admitted'; readonly site: string | undefined; readonly byTicket: boolean }
  | { readonly kind: 'refused'; readonly why: string };
