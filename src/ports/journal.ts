import type { Entry, VersionEntry } from '../domain/journal/entry.ts';
import type { SiteContext } from '../domain/journal/site-context.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import type { Replica } from '../domain/replica/replica.ts';
import type { PeerQueueCatalog } from './peer-queues.ts';

/** What a site has to tell its peers, and what it hears of them (docs/sites.md). All verbs are one transaction each. */
export interface JournalCatalog extends PeerQueueCatalog {
  /** From its commit on every change is queued for the peer; what was there before comes by resync. Same name: `taken`. */
  addPeer(peer: NewPeer): Promise<'added' | 'taken'>;
  listPeers(): Promise<readonly Peer[]>;
  /** False: there is none of that name. */
  setPeer(name: string, change: PeerChange): Promise<boolean>;
  /** With all that is queued for it. False: there is none. */
  removePeer(name: string): Promise<boolean>;

  /** Undefined: there is no such peer. */
  readPeerSecrets(name: string): Promise<PeerSecrets | undefined>;
  /** What this site makes tickets with. */
  readSiteSecret(): Promise<string>;

  /** One sender a peer: undefined while somebody else holds its stream. The same owner renews it. */
  holdStream(name: string, owner: string, leaseMs: number): Promise<StreamLease | undefined>;
  releaseStream(lease: StreamLease): Promise<void>;
  /** What waits for a peer, oldest first of each slot, beyond `after`. A new reading begins without `after`. */
  readOutbox(query: OutboxQuery): Promise<readonly Outgoing[]>;
  /** `receipt`: as the peer answered with these. Undefined: the stream is lost, and nothing was changed. */
  settleOutbox(lease: StreamLease, outcomes: readonly SettledEntry[], receipt?: number): Promise<true | undefined>;
  /** A site has the bytes of what it had taken up: its queue goes on without them. */
  acknowledgeTold(site: string, operations: readonly string[], life?: string): Promise<void>;
  /**
   * Of each actor of this site the number up to which a peer has everything that is meant for it; undefined while something waits for it.
   */
  readFloor(peer: string): Promise<Readonly<Record<string, number>> | undefined>;
  /** Up to these numbers everything that is meant for this life of the catalog has come. False: it is another one by now. */
  raiseFloor(floor: Readonly<Record<string, number>>, life?: string): Promise<boolean>;
  /** Of its site's catalog, as it said last; undefined: it said nothing, or there is no such peer. */
  readPeerLife(name: string): Promise<string | undefined>;
  /** The highest receipt a peer has answered with since it was compared; undefined: it was not, or has answered none. */
  readPeerReceipt(name: string): Promise<number | undefined>;
  /** How many messages of a site this catalog has taken. */
  readReceipt(site: string): Promise<number>;

  /**
   * From now on this catalog is another one than before to its peers, until the next call (docs/sites.md, "Restored catalogs"): they send no
   * more what was meant for the one before. Returns 16 hex digits.
   */
  beginLife(): Promise<string>;
  /** Undefined: none was begun. */
  readLife(): Promise<string | undefined>;
  /** Actors that give out dots here, with the last number of each. */
  readActors(): Promise<Readonly<Record<string, number>>>;
  /** The highest numbers this site has heard of, of these actors. */
  readKnown(actors: readonly string[]): Promise<Readonly<Record<string, number>>>;
  /** True: somebody knows more of this site's actors than was given out here, and new ones have taken their place. */
  noticeKnown(known: Readonly<Record<string, number>>): Promise<boolean>;
  /** New actors take the place of all there are. */
  renewActors(): Promise<void>;
  /** By slot the position of the last change there is; what `awaitPeer` waits for. */
  readPositions(): Promise<readonly Position[]>;
  /** What of a peer's queue is not settled up to these positions, of one scope or of all. */
  countOutstanding(name: string, upTo: readonly Position[], scope?: string): Promise<Outstanding>;
  /** Refused entries of a peer, oldest first. */
  listDeadLetters(query: {
    readonly peer: string;
    readonly after?: Position;
    readonly limit: number;
  }): Promise<readonly DeadLetter[]>;
  /** They wait again, or are withheld for good. Returns how many there were. */
  settleDeadLetters(peer: string, positions: readonly Position[], to: 'waiting' | 'withheld'): Promise<number>;

  /**
   * Copies at a site's own store of versions that were replaced, here or by what arrived, so many milliseconds ago, and that nobody waits
   * for any more.
   */
  listSuperseded(query: {
    readonly store: string;
    readonly localMs: number;
    readonly arrivedMs: number;
    readonly limit: number;
  }): Promise<readonly SupersededCopy[]>;
  /** Scopes that peers are told of. */
  listReplicatedScopes(): Promise<readonly string[]>;
  /** A page of a scope in byte order, from after `after`, tombstones too. */
  readDots(query: {
    readonly scope: string;
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<DotsPage>;
  /** All purges of scopes wait for the peer once more; undefined: of all scopes. Returns how many that are. */
  queuePurges(peer: string, scopes: readonly string[] | undefined): Promise<number>;
  /**
   * All versions of these objects wait for the peer once more, but for those that wait already. Returns how many that are. `probable`: the peer
   * may well have them, so it is asked before their bytes are sent.
   */
  queueObjects(peer: string, scope: string, names: readonly string[], probable?: boolean): Promise<number>;

  /**
   * Takes away, in one step, all that this site has of a scope; what others write without having seen it stays. Returns how many objects
   * that is; undefined: nobody has heard of the scope.
   */
  purgeScope(scope: string, operation: string): Promise<number | undefined>;
  /** Takes one page of what was purged out of the catalog, and queues the deletes of its copies. Returns whether there may be more. */
  carryOutPurge(): Promise<boolean>;

  /** What this site has considered. */
  readContext(): Promise<SiteContext>;
  /** The good copies of versions, in their order; empty of one that has none, or is gone. */
  readCopies(versionIds: readonly number[]): Promise<readonly (readonly Replica[])[]>;
  /** A version of an object by its operation, with its good copies; undefined: there is none with bytes. */
  findVersion(object: ObjectName, operation: string): Promise<FoundVersion | undefined>;
  /** Of which of these entries the bytes are wanted; nothing is changed. */
  judgeEntries(entries: readonly VersionEntry[]): Promise<readonly boolean[]>;
  /**
   * Entries of a peer. What the versions become is decided by the join of each with what is there; the answer to each, in order. Applying
   * again what was applied changes nothing. An entry whose bytes are wanted and not given is `bytes-wanted`, and nothing is changed of it.
   */
  applyEntries(arrived: ArrivedEntries): Promise<readonly ApplyOutcome[]>;

  /**
   * Entries of a peer whose bytes are to be fetched are written down. What waits for the bytes of a version that one of these follows waits
   * no more, unless somebody is fetching it: its change is considered with the one that follows.
   */
  takeUp(source: string, entries: readonly VersionEntry[]): Promise<void>;
  /** The oldest that are due, of each object the last that was taken up. */
  claimFetches(claim: {
    readonly owner: string;
    readonly limit: number;
    readonly leaseMs: number;
  }): Promise<readonly ClaimedFetch[]>;
  /** False: the lease was lost. */
  renewFetch(lease: FetchLease, leaseMs: number): Promise<boolean>;
  /** It is over, and what was written down of it goes; or it is due again after so long. */
  finishFetch(
    lease: FetchLease,
    outcome: 'done' | { readonly afterMs: number; readonly error: string },
  ): Promise<boolean>;
  listFetches(limit: number): Promise<readonly WaitingFetch[]>;
}

/** `dots`: of each object's current version and siblings, as `actor:counter`, sorted and separated by spaces. */
export interface DotsPage {
  readonly names: readonly string[];
  readonly dots: readonly string[];
  readonly next: string | undefined;
}

export interface SupersededCopy extends ObjectName {
  readonly versionId: number;
  readonly place: string;
  readonly token: string;
}

export interface FoundVersion {
  readonly id: number;
  readonly size: number;
  readonly copies: readonly Replica[];
}

export interface FetchLease {
  readonly change: string;
  readonly token: number;
}

export interface ClaimedFetch {
  readonly lease: FetchLease;
  /** Id of the site that told of it. */
  readonly source: string;
  readonly entry: VersionEntry;
  readonly attempts: number;
}

export interface WaitingFetch extends Omit<ClaimedFetch, 'lease'> {
  readonly sinceMs: number;
  readonly lastError: string | undefined;
}

export interface NewPeer {
  /** How this site calls it. */
  readonly name: string;
  /** Without: it only sends to us. */
  readonly url: string | undefined;
  readonly direction: 'both' | 'send' | 'receive';
  readonly mode: 'async' | 'sync';
  /** Undefined: all. */
  readonly scopes: readonly string[] | undefined;
  /** What this site shows it: a secret. */
  readonly presents?: string | undefined;
  /** Hash of what it has to show this site; undefined: whatever it shows first. */
  readonly accepts?: string | undefined;
}

/** Of nobody's business but the two sites'. */
export interface PeerSecrets {
  readonly presents: string | undefined;
  readonly accepts: string | undefined;
  /** What it gave this site to fetch bytes with. */
  readonly ticket: string | undefined;
}

/** `parked`: it is down, full or does not know us, and is asked now and then. */
export type PeerState = 'active' | 'parked';

export interface Peer extends Omit<NewPeer, 'presents' | 'accepts'> {
  /** Its site's id, once it was heard of. */
  readonly site: string | undefined;
  readonly state: PeerState;
  /** What it lacks is to be found by digests: of a new peer, of one that has lost something, and of whom somebody asks that. */
  readonly needsResync: boolean;
  /** Of its site's catalog, as it said last. */
  readonly life: string | undefined;
  /** Its queue was given up then, and it has not been compared since. */
  readonly givenUpSinceMs: number | undefined;
  /** Entries that were given up, ever. */
  readonly givenUp: number;
  /** Undefined: it is not parked. */
  readonly parkedSinceMs: number | undefined;
  /** It has been away for longer than it may be (`replication.peer_alarm`). */
  readonly isAway: boolean;
  /** Why it is parked. */
  readonly lastError: string | undefined;
  readonly createdMs: number;
  /** Entries it has acknowledged, ever. */
  readonly acknowledged: number;
  readonly lastAcknowledgedMs: number | undefined;
  /** Entries that wait, and of these what it has taken up without having their bytes. */
  readonly waiting: number;
  readonly handed: number;
  readonly dead: number;
  readonly withheld: number;
  /** When the oldest that waits was made; undefined: none does. */
  readonly oldestMs: number | undefined;
}

export interface PeerChange extends Partial<Pick<NewPeer, 'url' | 'direction' | 'mode' | 'presents' | 'accepts'>> {
  /** Null: all. */
  readonly scopes?: readonly string[] | null;
  readonly ticket?: string;
  /** It is compared once more. */
  readonly needsResync?: true;
  readonly life?: string;
  /** Where its site has lost what it had answered: what it says now. */
  readonly receipt?: number;
  readonly site?: string;
  readonly state?: PeerState;
  readonly lastError?: string | undefined;
}

export interface StreamLease {
  readonly peer: string;
  readonly token: number;
}

export interface Position {
  readonly slot: number;
  readonly position: number;
}

export interface OutboxQuery {
  readonly peer: string;
  /** The last position that was read of each slot. */
  readonly after: readonly Position[];
  readonly limit: number;
}

export interface Outgoing extends Position {
  readonly entry: Entry;
  /** Of a version: its id, and whether another one has come after it. */
  readonly versionId: number | undefined;
  readonly isSuperseded: boolean;
  readonly attempts: number;
}

export interface SettledEntry extends Position {
  readonly to:
    | { readonly kind: 'acknowledged' }
    /** The peer has taken it up and fetches the bytes; offered again after so long. */
    | { readonly kind: 'handed'; readonly againAfterMs: number }
    | { readonly kind: 'retry'; readonly afterMs: number; readonly error: string }
    | { readonly kind: 'dead'; readonly error: string };
}

export interface Outstanding {
  readonly waiting: number;
  readonly dead: number;
  /** It is still to be compared: more may be queued for it than is seen. */
  readonly isComparing: boolean;
}

export interface DeadLetter extends Position {
  readonly entry: Entry;
  readonly error: string;
  readonly attempts: number;
  readonly sinceMs: number;
}

/** Of the catalogs of who sends and who receives, as they said when they said hello. */
export interface Lives {
  readonly from: string;
  readonly to: string;
}

export interface ArrivedEntries {
  /** Id of the site that sent them. */
  readonly from: string;
  /** Of other lives than these nothing is applied: all are `stale`. */
  readonly lives?: Lives | undefined;
  readonly entries: readonly Arrived[];
}

export interface Arrived {
  readonly entry: Entry;
  /** The bytes of a version, verified and durable at a store of this site; absent of a tombstone, and where they are not here. */
  readonly copy?: Omit<Replica, 'versionId' | 'soft'> | undefined;
}

/**
 * - `applied`: it is the object's version now, or beside it. `older`: what is here has seen it. `duplicate`: it was considered before.
 * - `conflict`: as applied, beside a version that did not see it.
 */
export type ApplyOutcome =
  | { readonly kind: 'applied' | 'conflict' | 'older' | 'duplicate' | 'purged' }
  | { readonly kind: 'bytes-wanted' }
  /** Sent by, or meant for, a catalog that is not that any more: who sent it has to say hello. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly why: string };
