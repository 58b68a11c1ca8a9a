import { laneOf } from '../../domain/journal/lanes.ts';
import { streamPauseMs } from '../../domain/journal/stream-pause.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Lives, Outgoing, Position, SettledEntry, StreamLease } from '../../ports/journal.ts';
import {
  type Hello,
  PeerError,
  type PeerLink,
  type Sent,
  type SentAnswer,
  type SentOutcome,
} from '../../ports/peer-link.ts';
import type { Random } from '../../ports/random.ts';
import type { Alarm, Telling } from '../../ports/telling.ts';
import { keepCompared } from './keep-compared.ts';
import { LaneQueue, type Line } from './lane-queue.ts';
import { pause } from './pause.ts';
import { sayHello } from './say-hello.ts';
import { settleLine } from './settle-line.ts';
import { Wakes } from './wakes.ts';

export interface StreamPorts {
  readonly catalog: Pick<
    Catalog,
    | 'listPeers'
    | 'holdStream'
    | 'releaseStream'
    | 'readOutbox'
    | 'settleOutbox'
    | 'readFloor'
    | 'setPeer'
    | 'readLife'
    | 'readActors'
    | 'noticeKnown'
    | 'readPeerLife'
    | 'readPeerReceipt'
    | 'queuePurges'
    | 'onDue'
    | 'listReplicatedScopes'
    | 'readDots'
    | 'carryOutPurge'
    | 'queueObjects'
    | 'countBacklog'
    | 'beginResync'
    | 'endResync'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly link: PeerLink;
  /** The bytes of a version, verified; undefined: they are nowhere to be had now. */
  readonly readBytes: (outgoing: Outgoing, signal: AbortSignal) => Promise<Uint8Array | undefined>;
  readonly telling?: Telling | undefined;
  /** Told of what failed. */
  readonly alarm?: Alarm | undefined;
}

export interface StreamOptions {
  readonly peer: string;
  /** Printable: who sends. */
  readonly owner: string;
  readonly own: Hello;
  /** Entries in one batch, at most. */
  readonly batchSize: number;
  /** Batches under way at once. */
  readonly workers: number;
  /** Smaller objects travel inside of batches. */
  readonly inlineBytesMax: number;
  readonly retryAttempts: number;
  readonly retryDelayMs: number;
  /** What another site was to tell the peer is looked for there after so long. */
  readonly forwardAfterMs: number;
  /** More do not wait for the peer: a comparison makes its queue no longer than half of that. */
  readonly backlogEntriesMax: number;
}

/** The stream is somebody else's for so long after its sender was last heard of. */
const LEASE_MS = 15_000;
/** Bytes in one batch, at most, unless a single object has more. */
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
/** Who hears nothing looks again after this: what is to be tried again is due by then. */
const LOOK_MS = 1_000;
/** Between two tellings of what a peer has everything of. */
const FLOOR_MS = 1_000;
/** So often somebody who says nothing is asked whether he is who he was. */
const GREET_MS = 30_000;
/** What the peer has taken up is offered again after this. */
const HANDED_MS = 30_000;

/**
 * Sends what is queued for one peer, for as long as the signal allows (docs/sites.md, "Replication"):
 *
 *     outbox ── lanes by object ── batches under way ── outcomes ── settled
 *
 * A peer that cannot be reached, or takes nothing, parks the stream: it is asked again after growing pauses, and nothing is lost meanwhile.
 */
export class PeerStream {
  readonly #ports: StreamPorts;
  readonly #options: StreamOptions;

  constructor(ports: StreamPorts, options: StreamOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { catalog, clock, random } = this.#ports;
    const { peer, owner, retryDelayMs } = this.#options;
    let failures = 0;
    let wasStale = false;
    while (!signal.aborted) {
      const lease = await catalog.holdStream(peer, owner, LEASE_MS);
      if (lease === undefined) {
        await pause(clock, LEASE_MS / 3, signal);
        continue;
      }
      const session = new StreamSession(this.#ports, this.#options, lease);
      try {
        await session.run(signal);
        failures = 0;
      } catch (error) {
        if (!(error instanceof PeerError)) throw error;
        // It can be reached, so hello is said at once; not over and over. Who is told to stop was left by nobody.
        const isStale: boolean = error.kind === 'stale' && (session.hasSent || !wasStale);
        wasStale = isStale;
        if (isStale || signal.aborted) continue;
        failures = session.hasSent ? 1 : failures + 1;
        await this.#park(error);
        const pauseMs = streamPauseMs(retryDelayMs, failures, random.fraction());
        await pause(clock, Math.max(pauseMs, error.afterMs ?? 0), signal);
      } finally {
        await catalog.releaseStream(lease);
      }
    }
  }

  async #park(error: PeerError): Promise<void> {
    const { peer } = this.#options;
    await this.#ports.catalog.setPeer(peer, { state: 'parked', lastError: `${error.kind}: ${error.message}` });
    this.#ports.telling?.info?.('a peer takes nothing now and is asked again', { peer, why: error.message });
    const { alarm, catalog } = this.#ports;
    const [first] = alarm === undefined ? [] : await catalog.readOutbox({ peer, after: [], limit: 1 });
    if (first !== undefined) tellFailed(alarm, peer, first, error.message);
  }
}

/** From one hello to the first failure of the link. */
class StreamSession {
  /** The peer has taken something. */
  hasSent = false;
  #lives: Lives | undefined;
  readonly #ports: StreamPorts;
  readonly #options: StreamOptions;
  readonly #lease: StreamLease;
  readonly #lanes: readonly { readonly queue: LaneQueue; wake: () => void }[];
  /** Read, and not settled yet: by slot and position. */
  readonly #known = new Set<string>();
  /** Settled since the last reading of the outbox began, which may tell of them still. */
  readonly #settled = new Set<string>();
  #after: Position[] = [];
  /** What was told last, as JSON, and when it may be told again. */
  #floor = '{}';
  #floorDueMs = Number.NEGATIVE_INFINITY;
  /** Everything up to the end was read; what comes is told. */
  #isAtEnd = false;

  constructor(ports: StreamPorts, options: StreamOptions, lease: StreamLease) {
    this.#ports = ports;
    this.#options = options;
    this.#lease = lease;
    this.#lanes = Array.from({ length: options.workers }, () => ({ queue: new LaneQueue(), wake: () => undefined }));
  }

  async run(stop: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#ports;
    const ended = new AbortController();
    const signal = AbortSignal.any([stop, ended.signal]);
    signal.addEventListener('abort', () => this.#wakeAll(), { once: true });
    const { own, peer } = this.#options;
    this.#lives = (await sayHello(this.#ports, { own, peer, signal })).lives;
    using wakes = new Wakes(catalog, clock);
    const tasks = [
      this.#read(wakes, signal),
      this.#keepLease(ended, signal),
      keepCompared(
        this.#ports,
        { ...this.#options, demandSame: () => this.#demandSameLife(), onDifferent: () => wakes.ring() },
        signal,
      ),
      this.#keepGreeting(signal),
      ...this.#lanes.map((_, index) => this.#sendLane(index, wakes, signal)),
    ];
    try {
      await Promise.all(tasks);
    } finally {
      ended.abort();
      await Promise.allSettled(tasks);
    }
  }

  #wakeAll(): void {
    for (const lane of this.#lanes) lane.wake();
  }

  /** Fills the lanes from the outbox; looks again when something was committed, when there is room, and from time to time. */
  async #read(wakes: Wakes, signal: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#ports;
    const { peer, batchSize, workers } = this.#options;
    const room = 2 * batchSize * workers;
    let lookedMs = clock.monotonicMs();
    while (!signal.aborted) {
      if (clock.monotonicMs() - lookedMs >= LOOK_MS) {
        // From the beginning: what was put off is due by now.
        this.#after = [];
        lookedMs = clock.monotonicMs();
      }
      const free = room - this.#known.size;
      this.#settled.clear();
      const page = free <= 0 ? [] : await catalog.readOutbox({ peer, after: this.#after, limit: free });
      for (const outgoing of page) this.#take(outgoing);
      this.#isAtEnd = page.length < free;
      if (this.#isAtEnd && this.#known.size === 0) await this.#tellFloor(signal);
      if (page.length === 0 || this.#isAtEnd) await wakes.wait(LOOK_MS, signal);
    }
  }

  /** Numbers of changes that the peer is not told of leave no gaps in what it has considered. */
  async #tellFloor(signal: AbortSignal): Promise<void> {
    const { catalog, link, clock } = this.#ports;
    if (clock.monotonicMs() < this.#floorDueMs) return;
    const floor = await catalog.readFloor(this.#options.peer);
    const text = JSON.stringify(floor);
    if (floor === undefined || text === this.#floor) return;
    await link.raiseFloor({ upTo: floor, life: this.#lives?.to }, signal);
    this.#floor = text;
    this.#floorDueMs = clock.monotonicMs() + FLOOR_MS;
  }

  /** What was acknowledged to this session the site may have lost since: all of it is heard before anything is compared. */
  async #demandSameLife(): Promise<void> {
    if (this.#lives !== undefined && (await this.#ports.catalog.readPeerLife(this.#options.peer)) !== this.#lives.to)
      throw new PeerError('stale', 'the site has begun anew');
  }

  /** A peer that has begun anew, and has nothing to tell, is asked. */
  async #keepGreeting(signal: AbortSignal): Promise<void> {
    const { own, peer } = this.#options;
    while (!signal.aborted) {
      await pause(this.#ports.clock, GREET_MS, signal);
      if (!signal.aborted) await sayHello(this.#ports, { own, peer, signal });
    }
  }

  #take(outgoing: Outgoing): void {
    const { slot, position } = outgoing;
    this.#after = [...this.#after.filter((one) => one.slot !== slot), { slot, position }];
    const id = `${slot}:${position}`;
    if (this.#known.has(id) || this.#settled.has(id)) return;
    this.#known.add(id);
    this.#enqueue({ outgoing, places: [{ slot, position }], also: [], withBytes: this.#isSentWithBytes(outgoing) });
  }

  #enqueue(line: Line): void {
    const { entry } = line.outgoing;
    const lane = this.#lanes[laneOf(entry.scope, entry.kind === 'version' ? entry.name : '', this.#lanes.length)];
    lane?.queue.add(line);
    lane?.wake();
  }

  /** What was made here goes with its bytes at once; of what others may have brought already, the peer is asked first. */
  #isSentWithBytes({ entry, attempts, isSuperseded }: Outgoing): boolean {
    if (entry.kind !== 'version' || entry.content.kind !== 'object') return false;
    if (entry.content.size >= this.#options.inlineBytesMax) return false;
    return attempts === 0 && !isSuperseded && entry.origin === this.#options.own.site;
  }

  async #sendLane(index: number, wakes: Wakes, signal: AbortSignal): Promise<void> {
    const lane = this.#lanes[index];
    if (lane === undefined) return;
    while (!signal.aborted) {
      const lines = lane.queue.take(this.#options.batchSize, BATCH_BYTES_MAX);
      if (lines.length === 0) {
        await new Promise<void>((resolve) => {
          lane.wake = resolve;
          if (signal.aborted) resolve();
        });
        continue;
      }
      await this.#send(lines, signal);
      // There is room for more.
      if (!this.#isAtEnd) wakes.ring();
    }
  }

  async #send(lines: readonly Line[], signal: AbortSignal): Promise<void> {
    const sent = await Promise.all(lines.map((line) => this.#toSent(line, signal)));
    let answer: SentAnswer;
    try {
      const { site: from } = this.#options.own;
      answer = await this.#ports.link.send({ from, lives: this.#lives, entries: sent }, signal);
      this.hasSent = true;
    } catch (error) {
      if (!(error instanceof PeerError) || error.kind !== 'refused') throw error;
      await this.#divide(lines, error, signal);
      return;
    }
    const settled = lines.flatMap((line, at) => this.#outcomeOf(line, answer.outcomes[at], sent[at]?.bytes));
    await this.#settle(settled, answer.receipt);
  }

  /** A batch the peer can make nothing of is halved until one entry is left that it is about. */
  async #divide(lines: readonly Line[], error: PeerError, signal: AbortSignal): Promise<void> {
    const [only] = lines;
    if (only === undefined) return;
    if (lines.length > 1) {
      const half = Math.ceil(lines.length / 2);
      await this.#send(lines.slice(0, half), signal);
      await this.#send(lines.slice(half), signal);
      return;
    }
    const { peer, retryAttempts, retryDelayMs } = this.#options;
    const { attempts } = only.outgoing;
    tellFailed(this.#ports.alarm, peer, only.outgoing, error.message);
    const to: SettledEntry['to'] =
      attempts + 1 >= retryAttempts
        ? { kind: 'dead', error: error.message }
        : { kind: 'retry', afterMs: streamPauseMs(retryDelayMs, attempts + 1, 0.5), error: error.message };
    await this.#settle(only.places.map((place) => ({ ...place, to })));
  }

  async #toSent({ outgoing, also, withBytes }: Line, signal: AbortSignal): Promise<Sent> {
    const { entry } = outgoing;
    const whole = entry.kind === 'version' && also.length > 0 ? { ...entry, also } : entry;
    if (!withBytes) return { entry: whole };
    return { entry: whole, bytes: await this.#ports.readBytes(outgoing, signal) };
  }

  #outcomeOf(line: Line, outcome: SentOutcome | undefined, bytes: Uint8Array | undefined): readonly SettledEntry[] {
    const againAfterMs = streamPauseMs(this.#options.retryDelayMs, line.outgoing.attempts + 1, 0.5);
    const attempt = { withBytes: line.withBytes, hadBytes: bytes !== undefined, againAfterMs, handedMs: HANDED_MS };
    const to = settleLine(outcome, attempt);
    if (to === 'with-bytes') {
      this.#enqueue({ ...line, withBytes: true });
      return [];
    }
    if ('error' in to) tellFailed(this.#ports.alarm, this.#options.peer, line.outgoing, to.error);
    return line.places.map((place) => ({ ...place, to }));
  }

  async #settle(settled: readonly SettledEntry[], receipt?: number): Promise<void> {
    if (settled.length === 0) return;
    if ((await this.#ports.catalog.settleOutbox(this.#lease, settled, receipt)) === undefined)
      throw new PeerError('busy', 'another process of this site sends to the peer by now');
    for (const { slot, position } of settled) {
      const id = `${slot}:${position}`;
      this.#known.delete(id);
      this.#settled.add(id);
    }
  }

  async #keepLease(ended: AbortController, signal: AbortSignal): Promise<void> {
    const { catalog, clock } = this.#ports;
    const { peer, owner } = this.#options;
    while (!signal.aborted) {
      await pause(clock, LEASE_MS / 3, signal);
      if (signal.aborted) return;
      const held = await catalog.holdStream(peer, owner, LEASE_MS);
      if (held?.token !== this.#lease.token) ended.abort();
    }
  }
}

/** One line of the log an attempt; of all that wait for a peer that takes nothing, the first. */
function tellFailed(alarm: Alarm | undefined, peer: string, { entry }: Outgoing, error: string): void {
  const of = entry.kind === 'version' ? [entry.scope, entry.name] : [entry.scope];
  alarm?.('Failed to replicate event', { event_id: [entry.time.ms, ...of].join('-'), peer, error });
}
