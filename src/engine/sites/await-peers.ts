import { type Awaited, judgeAwaited } from '../../domain/journal/awaited-copies.ts';
import { isReplicated } from '../../domain/journal/replicated-scopes.ts';
import { type Catalog, CatalogError } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { AwaitedPeer, AwaitedWrite, SyncPeer } from '../../ports/peer-queues.ts';
import { Wakes } from './wakes.ts';

export interface AwaitPeersPorts {
  readonly catalog: Pick<Catalog, 'listSyncPeers' | 'readAwaited' | 'onDue'>;
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
  readonly write: AwaitedWrite;
  /** It was recorded after `expect` was asked: so it was queued for those who were to be told then. */
  readonly isFresh: boolean;
  /** The caller waits for nobody: what is known now is told. */
  readonly isAsync: boolean;
  /** Ends the wait as its time does. */
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly write: AwaitedWrite;
  readonly judge: (peers: readonly AwaitedPeer[]) => Awaited;
  readonly resolve: (awaited: Awaited) => void;
  readonly reject: (error: unknown) => void;
  /** What was told last. */
  last: Awaited;
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
    const judge = (peers: readonly AwaitedPeer[]): Awaited => this.#judge(expected, peers, { write, isFresh });
    if (isAsync) return toLater(await this.#look(write, judge));
    const { promise, resolve, reject } = Promise.withResolvers<Awaited>();
    const waiting: Waiting = { write, judge, resolve, reject, last: { kind: 'pending', peers: names } };
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

  /** One that was known is judged by what is known of it now; one that is no such peer any more is not waited for. */
  #judge(
    expected: readonly SyncPeer[],
    peers: readonly AwaitedPeer[],
    { write, isFresh }: Pick<AwaitWrite, 'write' | 'isFresh'>,
  ): Awaited {
    const before = new Map(expected.map((peer) => [peer.id, peer]));
    const now = peers.filter(({ id, scopes }) => before.has(id) && (scopes?.includes(write.scope) ?? true));
    const wasQueued = new Set(
      now.filter(({ id, marks }) => {
        const was = before.get(id);
        return isFresh && was?.isGivenUp === false && was.marks === marks;
      }),
    );
    const names = new Set([...wasQueued].map(({ name }) => name));
    return judgeAwaited(now, this.#options.copies, (name) => names.has(name));
  }

  async #look(write: AwaitedWrite, judge: Waiting['judge']): Promise<Awaited> {
    const [peers = []] = await this.#ports.catalog.readAwaited([write]);
    return judge(peers);
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
        const seen = await this.#ports.catalog.readAwaited(waiting.map(({ write }) => write));
        for (const [at, one] of waiting.entries()) {
          one.last = one.judge(seen[at] ?? []);
          if (one.last.kind === 'pending') continue;
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

/** For who does not wait, what may be there in a moment is for later. */
function toLater(awaited: Awaited): Awaited {
  return awaited.kind === 'pending' ? { kind: 'later', peers: awaited.peers } : awaited;
}
