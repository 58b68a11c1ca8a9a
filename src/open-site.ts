import { collectSuperseded } from './engine/sites/collect-superseded.ts';
import { SiteDesk } from './engine/sites/peer-desk.ts';
import { hashToken } from './engine/sites/peer-gate.ts';
import { fetchVersions } from './engine/sites/fetch-versions.ts';
import { keepPeers } from './engine/sites/keep-peers.ts';
import { meetPeers } from './engine/sites/meet-peers.ts';
import { PeerStream } from './engine/sites/peer-stream.ts';
import { readBytes } from './engine/sites/read-bytes.ts';
import type { PeerWatch } from './engine/sites/watch-peers.ts';
import type { SiteStore } from './engine/sites/site-store.ts';
import { HttpPeerLink } from './peers/http-peer-link.ts';
import { PeerEndpoint } from './peers/peer-endpoint.ts';
import type { Catalog } from './ports/catalog.ts';
import type { Clock } from './ports/clock.ts';
import type { Peer } from './ports/journal.ts';
import { type Hello, PEER_PROTOCOL, type PeerLink } from './ports/peer-link.ts';
import type { Random } from './ports/random.ts';
import type { Storage } from './ports/storage.ts';
import type { Alarm, Telling } from './ports/telling.ts';

export interface SiteParts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: Random;
  readonly telling: Telling;
  readonly store: SiteStore;
  /** The store at a place; undefined: it cannot be read from here. */
  readonly openStore: (place: string) => Promise<Storage | undefined>;
  /** Printable: who works. */
  readonly owner: string;
  /** Looks after the queues of peers. */
  readonly watch: Pick<PeerWatch, 'run'>;
  /** A part of the work failed, as when the catalog is away, and is begun again in a moment. */
  readonly onFault: (why: string) => void;
  /** Told of what could not be sent. */
  readonly alarm?: Alarm | undefined;
}

export interface SiteSettings {
  /** Where this site is reached; undefined: it is not told to anybody. */
  readonly url: string | undefined;
  /** False: it only receives. */
  readonly sends: boolean;
  readonly batchSize: number;
  readonly workers: number;
  readonly inlineBytesMax: number;
  readonly retryAttempts: number;
  readonly retryDelayMs: number;
  /** So long bytes are kept that a peer replaced. */
  readonly undoMs: number;
  /** What other sites were to tell a peer is looked for there after so long. */
  readonly forwardAfterMs: number;
  /** More entries than these do not wait for a peer. */
  readonly backlogEntriesMax: number;
  /** Tokens that peers may show, by the name the peer gets. */
  readonly accepts: ReadonlyMap<string, string>;
  /** Whether whoever comes first is believed: nobody but this machine can come, and there are no tokens. */
  readonly pairs: () => Promise<boolean>;
}

/** Fetches of large objects under way at once. */
const FETCH_LANES = 4;
const PEER_IDLE_MS = 30_000;
/** What failed is begun again after this. */
const AGAIN_MS = 5_000;

/** One site of several: sends to its peers, answers them, and fetches what they told of. */
export class OpenSite implements AsyncDisposable {
  readonly endpoint: PeerEndpoint;
  readonly #parts: SiteParts;
  readonly #settings: SiteSettings;
  readonly #own: Hello;
  readonly #stop = new AbortController();
  readonly #links = new Map<string, HttpPeerLink>();
  #running: Promise<unknown> | undefined;

  private constructor(parts: SiteParts, settings: SiteSettings, own: Hello) {
    this.#parts = parts;
    this.#settings = settings;
    this.#own = own;
    const accepts = new Map([...settings.accepts].map(([name, token]) => [name, hashToken(token)]));
    const { inlineBytesMax, pairs } = settings;
    this.endpoint = new PeerEndpoint(new SiteDesk({ ...parts, inlineBytesMax }, { own, accepts, pairs }));
  }

  static async open(parts: SiteParts, settings: SiteSettings): Promise<OpenSite> {
    const { id: site } = await parts.catalog.site();
    await parts.catalog.beginLife();
    return new OpenSite(parts, settings, { protocol: PEER_PROTOCOL, site, url: settings.url });
  }

  /** Resolves when the site may be written to: its peers were asked what they know of it, or did not answer in time. */
  meetPeers(): Promise<void> {
    return this.#persist(() => this.#meetPeers());
  }

  async #meetPeers(): Promise<void> {
    const links: HttpPeerLink[] = [];
    const linkTo = async (peer: Peer): Promise<PeerLink> => {
      const link = await this.#linkOf(peer);
      links.push(link);
      return link;
    };
    try {
      await meetPeers({ ...this.#parts, linkTo }, { own: this.#own, signal: this.#stop.signal });
    } finally {
      for (const link of links) await link[Symbol.asyncDispose]();
    }
  }

  /** Until it is done, or the site is closed. */
  async #persist(work: () => Promise<unknown>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await work();
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#parts.onFault(error instanceof Error ? error.message : String(error));
        await this.#parts.clock.sleep(AGAIN_MS, signal).catch(() => undefined);
      }
    }
  }

  async #linkOf({ name, url }: Peer): Promise<HttpPeerLink> {
    const secrets = await this.#parts.catalog.readPeerSecrets(name);
    return new HttpPeerLink({ url: url ?? '', token: secrets?.presents, idleMs: PEER_IDLE_MS });
  }

  /** Begins to send and to fetch; resolves once the site is closed. */
  run(): Promise<unknown> {
    const { catalog, clock } = this.#parts;
    const { signal } = this.#stop;
    const linkTo = (site: string): Promise<PeerLink | undefined> => this.#linkTo(site);
    const { owner } = this.#parts;
    const { retryDelayMs, sends, undoMs } = this.#settings;
    const fetching = { ...this.#parts, linkTo, listPeers: () => catalog.listPeers() };
    const work = [
      () => this.#parts.watch.run(signal),
      () => collectSuperseded(this.#parts, undoMs, signal),
      () => fetchVersions(fetching, { owner, lanes: FETCH_LANES, retryDelayMs }, signal),
    ];
    if (sends) work.push(() => keepPeers({ catalog, clock, send: (peer, stop) => this.#send(peer, stop) }, signal));
    this.#running ??= Promise.all(work.map((one) => this.#persist(one)));
    return this.#running;
  }

  async #send(peer: Peer, signal: AbortSignal): Promise<void> {
    const { batchSize, workers, inlineBytesMax, retryAttempts, retryDelayMs, backlogEntriesMax, forwardAfterMs } =
      this.#settings;
    await using link = await this.#linkOf(peer);
    const stream = new PeerStream(
      {
        ...this.#parts,
        link,
        readBytes: (outgoing, stop) => readBytes({ ...this.#parts, recent: this.#parts.store.recent }, outgoing, stop),
      },
      {
        peer: peer.name,
        owner: this.#parts.owner,
        own: this.#own,
        batchSize,
        workers,
        inlineBytesMax,
        retryAttempts,
        retryDelayMs,
        backlogEntriesMax,
        forwardAfterMs,
      },
    );
    await stream.run(signal);
  }

  /** To fetch bytes and to tell of them; with the ticket the site gave, or what this site shows it anyway. */
  async #linkTo(site: string): Promise<PeerLink | undefined> {
    const { catalog } = this.#parts;
    const peer = (await catalog.listPeers()).find((one) => one.site === site);
    if (peer?.url === undefined) return undefined;
    const secrets = await catalog.readPeerSecrets(peer.name);
    const token = secrets?.ticket ?? secrets?.presents;
    const key = `${peer.url} ${token ?? ''}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new HttpPeerLink({ url: peer.url, token, idleMs: PEER_IDLE_MS });
      this.#links.set(key, link);
    }
    return link;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#running?.catch(() => undefined);
    for (const link of this.#links.values()) await link[Symbol.asyncDispose]();
  }
}
