import { setTimeout as sleep } from 'node:timers/promises';
import type { Pando } from '../compose.ts';
import type { Different, PeerCompared } from '../compose-sites.ts';
import type { DeadLetter, NewPeer, Outstanding, Peer, Position } from '../ports/journal.ts';

export interface AddPeer extends Omit<Partial<NewPeer>, 'url' | 'accepts' | 'presents'> {
  /** `https://site-b.example.com`, or `http://` where nobody listens in between. */
  readonly url: string;
  /** What this site shows it. */
  readonly token?: string | undefined;
}

/** What is not said stays. */
export interface SetPeer {
  readonly url?: string;
  /** Null: all. */
  readonly scopes?: readonly string[] | null;
  readonly mode?: Peer['mode'];
  readonly direction?: Peer['direction'];
  /** What this site shows it. */
  readonly token?: string;
}

export interface CheckPeer {
  readonly scope?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onDifferent?: ((objects: readonly Different[]) => void) | undefined;
}

export interface AwaitPeer {
  readonly scope?: string | undefined;
  /** Milliseconds. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onLeft?: ((left: Outstanding) => void) | undefined;
}

/** `caught-up`: it has considered everything that was here when it was asked. `dead`: all but what it refused. */
export type Awaited =
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'dead'; readonly letters: readonly DeadLetter[] }
  | { readonly kind: 'timeout'; readonly waiting: number; readonly isComparing: boolean };

/** `invalid`: it makes no sense, whatever there is. */
export type PeerErrorKind = 'not-found' | 'invalid' | 'refused';

/** Something about peers that is not there, or makes no sense. Nothing was changed. */
class PeersError extends Error {
  override readonly name = 'PeersError';
  readonly kind: PeerErrorKind;
  /** What to do about it. */
  readonly remedy: string;

  constructor(kind: PeerErrorKind, message: string, remedy: string) {
    super(message);
    this.kind = kind;
    this.remedy = remedy;
  }
}

/** Between two looks at what is left. */
const LOOK_MS = 25;
/** Counting a long queue takes one part in so many of the time, at most: the sender has better use for it. */
const LOOK_SHARE = 10;
/** Refused entries that are read at once. */
const LETTERS_PAGE = 1_000;
/** Refused entries that are told of. */
const LETTERS_MAX = 100;

/** The sites this one replicates with (docs/sites.md). */
export class Peers {
  readonly #pando: Pick<Pando, 'catalog'>;

  constructor(pando: Pick<Pando, 'catalog'>) {
    this.#pando = pando;
  }

  async list(): Promise<readonly Peer[]> {
    return (await this.#pando.catalog()).listPeers();
  }

  async show(name: string): Promise<Peer> {
    const peers = await this.list();
    const found = peers.find((peer) => peer.name === name || peer.site === name);
    if (found !== undefined) return found;
    const known = peers.length === 0 ? 'there are none' : `there are ${peers.map((peer) => peer.name).join(', ')}`;
    throw new PeersError(
      'not-found',
      `there is no peer ${JSON.stringify(name)}`,
      `${known}; add one with pando peer add URL`,
    );
  }

  /** A site that came to us before is the same peer once it has answered. Returns its name. Fails with a `PeersError`. */
  async add({ url, name, token, direction = 'both', mode = 'async', scopes }: AddPeer): Promise<string> {
    const { href, hostname, port } = parseUrl(url);
    const called = name ?? (port === '' ? hostname : `${hostname}-${port}`);
    const catalog = await this.#pando.catalog();
    const same = (await catalog.listPeers()).find(
      (peer) => peer.url === href && peer.name !== called && peer.direction !== 'receive',
    );
    if (same !== undefined)
      throw new PeersError(
        'refused',
        `${href} is the peer ${same.name} already`,
        `change it: pando peer set ${same.name}`,
      );
    const added = await catalog.addPeer({ name: called, url: href, direction, mode, scopes, presents: token });
    if (added === 'taken')
      throw new PeersError('refused', `there is a peer ${called}`, 'give this one another name: --name');
    return called;
  }

  /** Returns the peer as it is afterwards. Fails with a `PeersError`. */
  async set(name: string, { url, scopes, mode, direction, token }: SetPeer): Promise<Peer> {
    const { name: peer } = await this.show(name);
    await (await this.#pando.catalog()).setPeer(peer, {
      ...(url === undefined ? {} : { url: parseUrl(url).href }),
      ...(scopes === undefined ? {} : { scopes }),
      ...(mode === undefined ? {} : { mode }),
      ...(direction === undefined ? {} : { direction }),
      ...(token === undefined ? {} : { presents: token }),
    });
    return this.show(peer);
  }

  /** What was queued for it is forgotten. Fails with a `PeersError`. */
  async remove(name: string): Promise<Peer> {
    const peer = await this.show(name);
    await (await this.#pando.catalog()).removePeer(peer.name);
    return peer;
  }

  /** Compares by digests, while both go on; nothing is changed. What is still on its way differs, too. */
  async check(name: string, { scope, signal, onDifferent }: CheckPeer): Promise<PeerCompared> {
    const peer = await this.show(name);
    const { comparePeer } = await import('../compose-sites.ts');
    const scopes = scope === undefined ? undefined : [scope];
    return comparePeer(this.#pando, peer, {
      scopes,
      signal: signal ?? new AbortController().signal,
      onDifferent: (found) => onDifferent?.(found),
    });
  }

  /** Has the site's server compare the peer with this site, and send what it lacks. */
  async resync(name: string): Promise<Peer> {
    const peer = await this.show(name);
    if (peer.direction === 'receive')
      throw new PeersError('refused', `nothing is sent to ${peer.name}`, 'ask for it at that site');
    await (await this.#pando.catalog()).setPeer(peer.name, { needsResync: true });
    return peer;
  }

  /** What the peer has refused, oldest first. */
  async *deadLetters(name: string): AsyncGenerator<DeadLetter> {
    const { name: peer } = await this.show(name);
    const catalog = await this.#pando.catalog();
    for (let after: Position | undefined, isLast = false; !isLast; ) {
      const page = await catalog.listDeadLetters({ peer, limit: LETTERS_PAGE, ...(after && { after }) });
      yield* page;
      after = page.at(-1);
      isLast = page.length < LETTERS_PAGE;
    }
  }

  /** They are sent once more, or given up for good; undefined: all of the peer. Returns how many there were. */
  async settleDeadLetters(
    name: string,
    to: 'waiting' | 'withheld',
    letters: readonly Position[] | undefined,
  ): Promise<number> {
    const { name: peer } = await this.show(name);
    const positions = letters ?? (await Array.fromAsync(this.deadLetters(peer)));
    const catalog = await this.#pando.catalog();
    let settled = 0;
    for (let from = 0; from < positions.length; from += LETTERS_PAGE)
      settled += await catalog.settleDeadLetters(peer, positions.slice(from, from + LETTERS_PAGE), to);
    return settled;
  }

  /** Waits until a peer has considered this site's position of now. Somebody has to be sending: `pando server`. */
  async wait(name: string, { scope, timeoutMs, signal, onLeft }: AwaitPeer = {}): Promise<Awaited> {
    const peer = await this.show(name);
    const catalog = await this.#pando.catalog();
    let positions = await catalog.readPositions();
    let wasComparing = false;
    const untilMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeoutMs;
    for (;;) {
      const askedMs = performance.now();
      const left = await catalog.countOutstanding(peer.name, positions, scope);
      const pauseMs = Math.max(LOOK_MS, LOOK_SHARE * (performance.now() - askedMs));
      onLeft?.(left);
      // What the comparison has found came into the queue meanwhile, and is part of what was here.
      if (wasComparing && !left.isComparing) {
        positions = await catalog.readPositions();
        wasComparing = false;
        continue;
      }
      wasComparing = left.isComparing;
      if (left.waiting === 0 && !left.isComparing) {
        if (left.dead === 0) return { kind: 'caught-up' };
        return { kind: 'dead', letters: await catalog.listDeadLetters({ peer: peer.name, limit: LETTERS_MAX }) };
      }
      if (performance.now() >= untilMs)
        return { kind: 'timeout', waiting: left.waiting, isComparing: left.isComparing };
      await sleep(
        Math.min(pauseMs, Math.max(1, untilMs - performance.now())),
        undefined,
        signal === undefined ? {} : { signal },
      );
    }
  }
}

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isWeb = url !== undefined && (url.protocol === 'http:' || url.protocol === 'https:');
  if (!isWeb || url.username !== '' || url.search !== '' || url.hash !== '')
    throw new PeersError(
      'invalid',
      `${JSON.stringify(text)} is not where a site is`,
      'write its address, such as https://site-b.example.com',
    );
  return url;
}
