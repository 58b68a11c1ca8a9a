import { type Awaited, judgeAwaited } from '../../domain/journal/awaited-copies.ts';
import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import { type Catalog, CatalogError } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AwaitedPeer, AwaitedWrite, SyncPeer } from '../../ports/peer-queues.ts';
import { Wakes } from './wakes.ts';

export interface AwaitPeersPorts {
  readonly catalog: Pick<Catalog, 'listSyncPeers' | 'readAwaited' | 'queueObjects' | 'onDue'>;
  readonly clock: Pick<Clock, 'monotonicMs' | 'alarm'>;
}

export interface AwaitPeersOptions {
  /** So many of the peers are to have the bytes; undefined: all of them. */
  readonly copies: number | undefined;
  readonly timeoutMs: number;
  /** False: nobody here sends, and nobody waits. */
  readonly sends: boolean;
}

/** Whom a write is to wait for: asked before it is recorded. */
export interface Expected {
  readonly peers: readonly SyncPeer[];
}

export interface AwaitWrite {
  readonly write: Omit<AwaitedWrite, 'ofObject'>;
  /** It was recorded after `expect` was asked: so it was queued for those who were to be told then. */
  readonly isFresh: boolean;
  /** The caller waits for nobody: what is known now is told. */
  readonly isAsync: boolean;
  /** Ends the wait as its time does. */
  readonly signal: AbortSignal;
}

/** A write that waits. */
interface Waiting {
  readonly write: Omit<AwaitedWrite, 'ofObject'>;
  /** Peers it waits for, by their numbers. */
  readonly expected: ReadonlyMap<number, SyncPeer>;
  /** Marks of the peers that it was queued for, as they were then: by their numbers. */
  readonly queuedAt: Map<number, number>;
  /** It was queued once more, with all that there is of its object. */
  isOffered: boolean;
  /** What was told last. */
  last: Awaited;
  readonly resolve: (awaited: Awaited) => void;
  readonly reject: (error: unknown) => void;
}

/** Which peers there are is asked no more often; who changes one is heeded within this. */
const PEERS_KEPT_MS = 1_000;
/** Who hears nothing looks again after this. */
const LOOK_MS = 1_000;

/**
 * Has writes wait for the peers of mode sync (docs/sites.md, "Writes that wait"). All writers of a process share one look at the catalog, after
 * each commit that may be an acknowledgement, whichever process of the site it came to.
 */
export class AwaitPeers {
  readonly #ports: AwaitPeersPorts;
  readonly #options: AwaitPeersOptions;
  readonly #waiting = new Set<Waiting>();
  #wakes: Wakes | undefined;
  #peers: Promise<readonly SyncPeer[]> | undefined;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(ports: AwaitPeersPorts, options: AwaitPeersOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Whom a write to the scope is to wait for. Asked before it is recorded: who is a peer only later was perhaps not told of it. */
  async expect(scope: string): Promise<Expected> {
    if (!isReplicated(scope)) return { peers: [] };
    const peers = await this.#read();
    return { peers: peers.filter(({ scopes }) => scopes === undefined || scopes.includes(scope)) };
  }

  /**
   * Resolves when it is known what to tell the writer: `pending` when the time is over. The write is durable here whatever is told.
   */
  async wait({ peers: expected }: Expected, { write, isFresh, isAsync, signal }: AwaitWrite): Promise<Awaited> {
    if (expected.length === 0) return { kind: 'held' };
    const names = expected.map(({ name }) => name);
    if (!this.#options.sends) return { kind: 'later', peers: names };
    const { promise, resolve, reject } = Promise.withResolvers<Awaited>();
    const queued = expected.filter(({ isGivenUp }) => isFresh && !isGivenUp);
    const waiting: Waiting = {
      write,
      expected: new Map(expected.map((peer) => [peer.id, peer])),
      queuedAt: new Map(queued.map(({ id, marks }) => [id, marks])),
      isOffered: false,
      last: { kind: 'pending', peers: names },
      resolve,
      reject,
    };
    if (isAsync) return this.#look(waiting);
    const end = (): void => resolve(waiting.last);
    const takeBack = this.#ports.clock.alarm(this.#options.timeoutMs, end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    this.#waiting.add(waiting);
    this.#watch();
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiting);
      // So that nobody listens where nobody waits.
      if (this.#waiting.size === 0) this.#wakes?.ring();
      takeBack();
      signal.removeEventListener('abort', end);
    }
  }

  /** For who does not wait: what may be there in a moment is for later. */
  async #look(waiting: Waiting): Promise<Awaited> {
    const [peers = []] = await this.#ports.catalog.readAwaited([{ ...waiting.write, ofObject: false }]);
    const awaited = this.#judge(waiting, peers);
    return awaited.kind === 'pending' ? { kind: 'later', peers: awaited.peers } : awaited;
  }

  /** One that was known is judged by what is known of it now; one that is no such peer any more is not waited for. */
  #judge({ write, expected, queuedAt }: Waiting, peers: readonly AwaitedPeer[]): Awaited {
    const now = peers.filter(({ id, scopes }) => expected.has(id) && (scopes?.includes(write.scope) ?? true));
    const wasQueued = new Set(now.filter(({ id, marks }) => queuedAt.get(id) === marks).map(({ name }) => name));
    return judgeAwaited(now, this.#options.copies, (name) => wasQueued.has(name));
  }

  /**
   * Of a write that was made before, or elsewhere, nobody may know here whether a peer has it: the object is queued for it once more, which the
   * peer answers without bytes where it has them. From then on the object's queue says it.
   */
  async #offer(waiting: Waiting, peers: readonly AwaitedPeer[]): Promise<void> {
    const { write, expected, queuedAt } = waiting;
    const unknown = peers.filter(
      ({ id, queue, marks, isAway, isSettled }) =>
        expected.has(id) && queue === 'nothing' && !isAway && !isSettled && queuedAt.get(id) !== marks,
    );
    for (const { id, name, marks } of unknown) {
      await this.#ports.catalog.queueObjects(name, write.scope, [write.name], true);
      queuedAt.set(id, marks);
      waiting.isOffered = true;
    }
  }

  #watch(): void {
    if (this.#wakes !== undefined) {
      this.#wakes.ring();
      return;
    }
    const wakes = new Wakes(this.#ports.catalog, this.#ports.clock);
    this.#wakes = wakes;
    void this.#run(wakes).finally(() => {
      wakes[Symbol.dispose]();
      this.#wakes = undefined;
      if (this.#waiting.size > 0) this.#watch();
    });
  }

  async #run(wakes: Wakes): Promise<void> {
    const never = new AbortController().signal;
    while (this.#waiting.size > 0) {
      const waiting = [...this.#waiting];
      try {
        const asked = waiting.map(({ write, isOffered }) => ({ ...write, ofObject: isOffered }));
        const seen = await this.#ports.catalog.readAwaited(asked);
        for (const [at, one] of waiting.entries()) {
          one.last = this.#judge(one, seen[at] ?? []);
          if (one.last.kind === 'pending') {
            await this.#offer(one, seen[at] ?? []);
            continue;
          }
          this.#waiting.delete(one);
          one.resolve(one.last);
        }
      } catch (error) {
        // Of a catalog that does not answer now nothing is known, and their time goes on.
        if (!(error instanceof CatalogError)) for (const { reject } of waiting) reject(error);
      }
      if (this.#waiting.size > 0) await wakes.wait(LOOK_MS, never);
    }
  }

  #read(): Promise<readonly SyncPeer[]> {
    const nowMs = this.#ports.clock.monotonicMs();
    if (this.#peers !== undefined && nowMs - this.#readMs < PEERS_KEPT_MS) return this.#peers;
    this.#readMs = nowMs;
    const reading = this.#ports.catalog.listSyncPeers();
    reading.catch(() => (this.#peers = undefined));
    this.#peers = reading;
    return reading;
  }
}
