import { formatInstant } from '../domain/format-instant.ts';
import type { Peer } from '../ports/journal.ts';

/** What a site has to tell its peers, and how far they are. The first five fields are those of a site with one remote. */
export interface ReplicationStatus {
  /** Something is sent. */
  readonly enabled: boolean;
  /** Ever: replicated, refused and waiting ones. */
  readonly events_queued: number;
  readonly events_replicated: number;
  /** Refused by a peer, and kept. */
  readonly events_failed: number;
  /** When a peer acknowledged something last. */
  readonly last_replication: string | null;
  /** Waiting now. */
  readonly depth: number;
  /** When the oldest of them was made, in seconds before now. */
  readonly oldest_age_seconds: number;
  readonly parked: number;
  readonly dead_letters: number;
  readonly withheld: number;
  /** Peers whose queue is given up until they were compared. */
  readonly given_up: readonly string[];
  /** Peers that have been away for too long. */
  readonly alarms: readonly string[];
  /** Nothing ever is. */
  readonly dropped: 0;
  readonly peers: readonly PeerStatus[];
}

export interface PeerStatus {
  readonly name: string;
  readonly site: string | null;
  readonly url: string | null;
  readonly direction: Peer['direction'];
  readonly mode: Peer['mode'];
  readonly state: Peer['state'];
  readonly lag_entries: number;
  readonly seconds_behind: number;
  readonly fetching: number;
  readonly replicated: number;
  readonly dead_letters: number;
  readonly withheld: number;
  /** It is to be compared with this site, and what it lacks queued. */
  readonly needs_resync: boolean;
  /** Since when its queue is given up for that, and entries that were, ever. */
  readonly given_up_since: string | null;
  readonly given_up: number;
  /** Since when it cannot be reached, or takes nothing. */
  readonly parked_since: string | null;
  /** It has been away for longer than `peer_alarm`. */
  readonly alarm: boolean;
  readonly last_replication: string | null;
  readonly last_error: string | null;
}

/** From one reading of the peers, so that the sums are right. */
export function replicationStatus(peers: readonly Peer[], enabled: boolean, nowMs: number): ReplicationStatus {
  const told = peers.filter(({ direction }) => direction !== 'receive');
  const sum = (number: (peer: Peer) => number): number => told.reduce((all, peer) => all + number(peer), 0);
  const lastMs = Math.max(...told.map(({ lastAcknowledgedMs }) => lastAcknowledgedMs ?? 0), 0);
  return {
    enabled: enabled && told.length > 0,
    events_queued: sum(({ acknowledged, dead, waiting }) => acknowledged + dead + waiting),
    events_replicated: sum(({ acknowledged }) => acknowledged),
    events_failed: sum(({ dead }) => dead),
    last_replication: lastMs === 0 ? null : formatInstant(lastMs),
    depth: sum(({ waiting }) => waiting),
    oldest_age_seconds: Math.max(...told.map((peer) => secondsBehind(peer, nowMs)), 0),
    parked: told.filter(({ state }) => state === 'parked').length,
    dead_letters: sum(({ dead }) => dead),
    withheld: sum(({ withheld }) => withheld),
    given_up: told.filter(({ givenUpSinceMs }) => givenUpSinceMs !== undefined).map(({ name }) => name),
    alarms: told.filter(({ isAway }) => isAway).map(({ name }) => name),
    dropped: 0,
    peers: peers.map((peer) => peerStatus(peer, nowMs)),
  };
}

export function peerStatus(peer: Peer, nowMs: number): PeerStatus {
  const { name, direction, mode, state, lastAcknowledgedMs } = peer;
  return {
    name,
    site: peer.site ?? null,
    url: peer.url ?? null,
    direction,
    mode,
    state,
    lag_entries: peer.waiting,
    seconds_behind: secondsBehind(peer, nowMs),
    fetching: peer.handed,
    replicated: peer.acknowledged,
    dead_letters: peer.dead,
    withheld: peer.withheld,
    needs_resync: peer.needsResync,
    given_up_since: instant(peer.givenUpSinceMs),
    given_up: peer.givenUp,
    parked_since: instant(peer.parkedSinceMs),
    alarm: peer.isAway,
    last_replication: instant(lastAcknowledgedMs),
    last_error: peer.lastError ?? null,
  };
}

function instant(ms: number | undefined): string | null {
  return ms === undefined ? null : formatInstant(ms);
}

/** Of a peer that nothing waits for: none, however quiet this site is. */
function secondsBehind({ oldestMs }: Peer, nowMs: number): number {
  return oldestMs === undefined ? 0 : Math.max(0, (nowMs - oldestMs) / 1000);
}
