import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Alarm } from '../../ports/telling.ts';
import type { GivenUp, PeerBacklog } from '../../ports/peer-queues.ts';

export interface WatchPeersPorts {
  readonly catalog: Pick<Catalog, 'readBacklogs' | 'countBacklog' | 'giveUpBacklog' | 'tellPeerAway' | 'recordEvents'>;
  readonly clock: Clock;
  /** What an operator has to know, whatever he asked to be told. */
  readonly alarm?: Alarm;
}

export interface WatchPeersOptions {
  /** More entries than these do not wait for a peer. */
  readonly backlogEntriesMax: number;
  /** A peer that is away for longer is told of. */
  readonly awayMsMax: number;
}

const LOOK_MS = 1_000;
const REST_LOOK_MS = 5_000;
/** Entries that one transaction takes away: others write in between. */
const GIVEN_UP_AT_ONCE = 5_000;
/** Counting takes no more than this part of the time. */
const COUNTING_SHARE = 1 / 50;

interface Counted {
  readonly entries: number;
  readonly position: number;
  readonly nextMs: number;
}

/**
 * Looks after the queues of all peers (docs/sites.md, "Backlog"): a peer of mode async whose queue is too long is compared instead, writers to a
 * peer of mode sync are turned away, and who is away for too long is told of.
 */
export class PeerWatch {
  readonly #ports: WatchPeersPorts;
  readonly #options: WatchPeersOptions;
  readonly #counted = new Map<string, Counted>();
  /** When what is left of a queue that was given up is looked at again. */
  readonly #restMs = new Map<string, number>();
  /** Peers of mode sync with too much in their queues. */
  #full: readonly PeerBacklog[] = [];

  constructor(ports: WatchPeersPorts, options: WatchPeersOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Why nothing can be written to the scope now; undefined: it can. Known within a second. */
  whyFull(scope: string): string | undefined {
    if (!isReplicated(scope)) return undefined;
    const full = this.#full.find(({ scopes }) => scopes?.includes(scope) ?? true);
    return full && `too much waits for the peer ${full.name}, which is to have all that is written`;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look();
      await this.#ports.clock.sleep(LOOK_MS, signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  }

  async #look(): Promise<void> {
    const full: PeerBacklog[] = [];
    const backlogs = await this.#ports.catalog.readBacklogs();
    for (const backlog of backlogs) {
      await this.#tellAway(backlog);
      if (backlog.isGivenUp && backlog.entriesMax > 0) await this.#giveUpRest(backlog);
      else if (await this.#isFull(backlog)) {
        if (backlog.mode === 'sync') full.push(backlog);
        else await this.#giveUp(backlog, true);
      }
    }
    await this.#tellFull(full);
    this.#full = full;
  }

  /** Counted only where it may be too much, and no more often than it can have become so, or than it costs. */
  async #isFull({ name, entriesMax, position }: PeerBacklog): Promise<boolean> {
    const { backlogEntriesMax: limit } = this.#options;
    const { catalog, clock } = this.#ports;
    if (entriesMax <= limit) {
      this.#counted.delete(name);
      return false;
    }
    const last = this.#counted.get(name);
    if (last !== undefined && last.entries + position - last.position <= limit) return false;
    const startedMs = clock.monotonicMs();
    if (last !== undefined && startedMs < last.nextMs) return last.entries > limit;
    const entries = await catalog.countBacklog(name, limit + 1);
    const endedMs = clock.monotonicMs();
    this.#counted.set(name, { entries, position, nextMs: endedMs + (endedMs - startedMs) / COUNTING_SHARE });
    return entries > limit;
  }

  async #giveUp({ name: peer }: PeerBacklog, begins: boolean): Promise<void> {
    const { catalog, alarm } = this.#ports;
    const { backlogEntriesMax: limit } = this.#options;
    const detail = `more than ${limit} entries wait for the peer ${peer}: it is compared with this site when it is back`;
    let entries = 0;
    let isNew = false;
    let page: GivenUp | undefined;
    do {
      // Once it is begun, what came into the queue since the peer is back is none of what was given up.
      page = await catalog.giveUpBacklog(peer, {
        begins: begins && page === undefined,
        limit: GIVEN_UP_AT_ONCE,
        detail,
      });
      entries += page?.entries ?? 0;
      isNew ||= page?.isNew === true;
    } while (page?.mayBeMore === true);
    this.#counted.delete(peer);
    if (isNew) alarm?.(`the queue of a peer is given up: ${detail}`, { peer, entries });
  }

  /** Written by those who had seen the peer before it was given up. Purges stay, so it is looked at now and then only. */
  async #giveUpRest(backlog: PeerBacklog): Promise<void> {
    const nowMs = this.#ports.clock.monotonicMs();
    if (nowMs < (this.#restMs.get(backlog.name) ?? 0)) return;
    this.#restMs.set(backlog.name, nowMs + REST_LOOK_MS);
    await this.#giveUp(backlog, false);
  }

  async #tellFull(full: readonly PeerBacklog[]): Promise<void> {
    const { catalog, alarm } = this.#ports;
    const before = new Set(this.#full.map(({ name }) => name));
    for (const { name: peer } of full) {
      if (before.has(peer)) continue;
      const detail = `too much waits for the peer ${peer}: nothing is written until it has taken some of it`;
      await catalog.recordEvents([{ kind: 'backlog-full', scope: '', detail }]);
      alarm?.(detail, { peer });
    }
  }

  async #tellAway({ name: peer, behindSinceMs, isAway: wasAway }: PeerBacklog): Promise<void> {
    const { catalog, clock, alarm } = this.#ports;
    const awayMs = behindSinceMs === undefined ? 0 : clock.nowMs() - behindSinceMs;
    const isAway = awayMs > this.#options.awayMsMax;
    if (isAway === wasAway) return;
    const hours = Math.floor(awayMs / 3_600_000);
    const detail = isAway
      ? `the peer ${peer} has been away for ${hours} hours: what was deleted since is kept for it until it is back or removed`
      : `the peer ${peer} is back`;
    if ((await catalog.tellPeerAway(peer, isAway, detail)) && isAway) alarm?.(detail, { peer });
  }
}
