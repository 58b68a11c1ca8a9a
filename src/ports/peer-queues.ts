import type { ObjectName } from '../domain/object/object-name.ts';
import type { PeerStanding } from '../domain/journal/awaited-copies.ts';

/** Whom writers wait for, how much waits for peers, and what becomes of it when that is too much (docs/sites.md). */
export interface PeerQueueCatalog {
  /** Peers of mode sync that are told of changes, as they are now. */
  listSyncPeers(): Promise<readonly SyncPeer[]>;
  /** How each peer of mode sync stands to these writes, in their order: of one write all of it is of one moment. */
  readAwaited(writes: readonly AwaitedWrite[]): Promise<readonly (readonly AwaitedPeer[])[]>;

  /** Of each peer that is told of changes; costs a look at the ends of its queue, however long that is. */
  readBacklogs(): Promise<readonly PeerBacklog[]>;
  /** Entries that wait for a peer, counted up to `countedMax`. */
  countBacklog(peer: string, countedMax: number): Promise<number>;
  /**
   * One mark takes the place of what waits for a peer of mode async: it is to be compared, and nothing but purges is queued for it until that
   * begins. Takes up to `limit` entries away; asked again, those that are left. Refused entries stay, and so do purges, which no
   * comparison finds. The first time there is the event `backlog-given-up`. Undefined: there is no such peer, or it is of mode sync.
   */
  giveUpBacklog(peer: string, how: GiveUp): Promise<GivenUp | undefined>;

  /**
   * From its commit on every change is queued for the peer again; what was there before is for the comparison to find. Undefined: there is
   * nothing to compare, or what was given up is not all gone yet. A peer is to be compared that is new, or whose queue was given up; and
   * so long after something did not go on to it because another site was to tell it.
   */
  beginResync(peer: string, forwardAfterMs: number): Promise<BegunResync | undefined>;
  /** All that it found is queued. False: meanwhile the queue was given up again, and the peer is to be compared once more. */
  endResync(peer: string, begun: BegunResync): Promise<boolean>;

  /** Whether a peer has been away for too long; told once, as an event, until it changes. False: that is known. */
  tellPeerAway(peer: string, isAway: boolean, detail: string): Promise<boolean>;
}

/** A peer without whose copy a write is not acknowledged. */
export interface SyncPeer {
  readonly id: number;
  readonly name: string;
  /** Undefined: all. */
  readonly scopes: readonly string[] | undefined;
  /** Counts how often its queue was given up: as long as it stays the same, what left the queue was acknowledged. */
  readonly marks: number;
  /** Its queue is given up: nothing is queued for it now. */
  readonly isGivenUp: boolean;
}

export interface AwaitedWrite extends ObjectName {
  readonly operation: string;
  /** All that waits of the object counts, and not only this write. */
  readonly ofObject: boolean;
}

export interface AwaitedPeer extends SyncPeer, PeerStanding {}

export interface PeerBacklog {
  readonly name: string;
  readonly mode: 'async' | 'sync';
  readonly scopes: readonly string[] | undefined;
  /** No more entries than these wait: places between the ends of its queue. */
  readonly entriesMax: number;
  /** Changes ever queued for anybody; by so many more no more entries wait. */
  readonly position: number;
  /** Since when it has not taken what waits, or could not be asked. Undefined: it is there, and has all. */
  readonly behindSinceMs: number | undefined;
  readonly isGivenUp: boolean;
  /** `tellPeerAway` has told it. */
  readonly isAway: boolean;
}

export interface GiveUp {
  /** False: only what is left of a queue that is given up already. */
  readonly begins: boolean;
  readonly limit: number;
  /** Of the event. */
  readonly detail: string;
}

export interface GivenUp {
  readonly entries: number;
  /** This was the first page: it was not given up before. */
  readonly isNew: boolean;
  readonly mayBeMore: boolean;
}

export interface BegunResync {
  readonly marks: number;
  /** Undefined: all. */
  readonly scopes: readonly string[] | undefined;
}
