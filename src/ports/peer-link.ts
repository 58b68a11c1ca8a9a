import type { Digests } from '../domain/journal/digest.ts';
import type { Entry, VersionEntry } from '../domain/journal/entry.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { ApplyOutcome, Lives } from './journal.ts';
import type { Body } from './storage.ts';

/** The version of the protocol between sites (docs/peer-protocol.md). */
export const PEER_PROTOCOL = 1;

/** What a site says of itself when it is asked, or asks. */
export interface Hello {
  readonly protocol: number;
  /** Its id. */
  readonly site: string;
  /** Where it is reached; undefined: it is not. */
  readonly url: string | undefined;
  /** A secret with which the other site may fetch bytes from it. */
  readonly ticket?: string | undefined;
  /** Of its catalog (docs/sites.md, "Restored catalogs"). */
  readonly life?: string | undefined;
  /** Of who asks: its actors, with the last number that each has given out. */
  readonly actors?: Readonly<Record<string, number>> | undefined;
  /** Of who answers: the highest numbers it knows of these actors. */
  readonly known?: Readonly<Record<string, number>> | undefined;
  /** Of who answers: how many messages of who asks its catalog has taken. */
  readonly receipt?: number | undefined;
}

/** Up to these numbers of its actors a peer has everything that is meant for it. */
export interface Floor {
  readonly upTo: Readonly<Record<string, number>>;
  /** In which life it has. */
  readonly life: string | undefined;
}

/** Entries that were taken up and are applied by now. */
export interface ToldEntries {
  /** Id of the site that has them. */
  readonly from: string;
  /** Of its catalog. */
  readonly life: string | undefined;
  readonly operations: readonly string[];
}

/** An entry on its way, with its bytes where these are small and wanted. */
export interface Sent {
  readonly entry: Entry;
  readonly bytes?: Uint8Array | undefined;
}

export interface Batch {
  /** Id of the site that sends. */
  readonly from: string;
  readonly lives?: Lives | undefined;
  readonly entries: readonly Sent[];
}

/** `taken-up`: it is written down there, and the bytes will be fetched. */
export type SentOutcome = ApplyOutcome | { readonly kind: 'taken-up' };

export interface SentAnswer {
  /** One an entry, in order. */
  readonly outcomes: readonly SentOutcome[];
  /** How many messages of the sender the receiver's catalog has taken, this one too: one that says less later on is an older copy. */
  readonly receipt: number | undefined;
}

export type Fetched =
  | { readonly kind: 'bytes'; readonly body: Body }
  /** Another version has come after it, and its bytes are gone. */
  | { readonly kind: 'superseded'; readonly by: VersionEntry }
  | { readonly kind: 'lost' };

export interface DigestQuery {
  /** Undefined: all that peers are told of. */
  readonly scopes: readonly string[] | undefined;
  /** Of whose leaves; undefined: of all branches. */
  readonly branch: number | undefined;
}

export interface ListingQuery {
  readonly scopes: readonly string[] | undefined;
  readonly leaves: readonly number[];
}

export interface ListedObject extends ObjectName {
  /** Of its current version and siblings, as `actor:counter`, sorted and separated by spaces. */
  readonly dots: string;
}

export interface Wanted extends ObjectName {
  readonly operation: string;
  readonly start: number;
}

/** The way to one peer. Every method fails with a `PeerError` and nothing else. */
export interface PeerLink extends AsyncDisposable {
  hello(own: Hello, signal: AbortSignal): Promise<Hello>;
  send(batch: Batch, signal: AbortSignal): Promise<SentAnswer>;
  raiseFloor(floor: Floor, signal: AbortSignal): Promise<void>;
  /** The bytes of exactly this version, from `start` on. */
  fetch(wanted: Wanted, signal: AbortSignal): Promise<Fetched>;
  /** The peer's digests of some scopes, or of all (domain/journal/digest). */
  digests(query: DigestQuery, signal: AbortSignal): Promise<Digests>;
  /** All objects of some leaves. */
  listing(query: ListingQuery, signal: AbortSignal): Promise<readonly ListedObject[]>;
  tell(told: ToldEntries, signal: AbortSignal): Promise<void>;
}

/**
 * - `unreachable`: no answer, or one that broke off. `busy`: 503, or too many requests. `full`: no room there.
 * - `unauthorised`: it does not know us. `too-new`: it speaks another protocol.
 * - `stale`: one of the two sites has begun anew since they said hello; they say it again.
 * - `refused`: it cannot make anything of what was sent (400, 413, garbage): of a batch of one, of that entry.
 */
export type PeerErrorKind = 'unreachable' | 'busy' | 'full' | 'unauthorised' | 'too-new' | 'stale' | 'refused';

export class PeerError extends Error {
  override readonly name = 'PeerError';
  readonly kind: PeerErrorKind;
  /** How long it asks us to wait. */
  readonly afterMs: number | undefined;

  constructor(
    kind: PeerErrorKind,
    message: string,
    options: { readonly afterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.afterMs = options.afterMs;
  }
}
