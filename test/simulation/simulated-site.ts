import { openSqliteInProcess } from '../../src/catalog/sqlite-in-process.ts';
import type { ConflictPolicy } from '../../src/domain/journal/conflict-policy.ts';
import { OperationIds } from '../../src/engine/operation-ids.ts';
import { AwaitPeers } from '../../src/engine/sites/await-peers.ts';
import { meetPeers } from '../../src/engine/sites/meet-peers.ts';
import { fetchVersions } from '../../src/engine/sites/fetch-versions.ts';
import { SiteDesk } from '../../src/engine/sites/peer-desk.ts';
import { PeerStream } from '../../src/engine/sites/peer-stream.ts';
import { readBytes } from '../../src/engine/sites/read-bytes.ts';
import { SiteStore } from '../../src/engine/sites/site-store.ts';
import { PeerWatch } from '../../src/engine/sites/watch-peers.ts';
import { type Catalog, CatalogError } from '../../src/ports/catalog.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { type Hello, PEER_PROTOCOL, PeerError, type PeerLink } from '../../src/ports/peer-link.ts';
import { type Storage, StorageError } from '../../src/ports/storage.ts';
import { MemoryContents } from '../../src/storage/memory/memory-contents.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { UnflushedKeys, withPowerLoss } from '../../src/testing/power-loss-storage.ts';
import type { SimulatedNetwork } from '../../src/testing/simulated-network.ts';
import { SimulatedProcess } from '../../src/testing/simulated-process.ts';
import type { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import type { SimulatedTimeline } from '../../src/testing/simulated-timeline.ts';
import { type CatalogInMemory, copyInMemory, emptyInMemory } from '../catalog/catalogs-in-memory.ts';
import { CatalogView } from './catalog-view.ts';
import type { Plan } from './plan.ts';

export const SCOPE = 's';
const AWAY_MS_MAX = 2_000;

export interface SitePorts {
  readonly timeline: SimulatedTimeline;
  readonly network: SimulatedNetwork;
  readonly random: SimulatedRandom;
  readonly plan: Plan;
  /** Something failed that may not fail. */
  readonly onDefect: (error: unknown) => void;
  readonly onDeath: (site: string) => void;
  /** Its name, by its id. */
  readonly siteNamed: (id: string) => string | undefined;
}

/** A site's process while it runs, and what it works with. */
export interface Running {
  readonly process: SimulatedProcess;
  readonly catalog: Catalog;
  readonly store: SiteStore;
  readonly clock: Clock;
  readonly operations: OperationIds;
  /** Has its clients wait for peers. */
  readonly awaiting: AwaitPeers;
  /** Of how many of them; undefined: of all. */
  readonly copies: number | undefined;
  /** The catalog without the process around it. */
  readonly whole: Catalog;
  readonly conflicts: ConflictPolicy;
  /** Its peers were asked what they know of it: before it nothing is written. */
  begun: Promise<void>;
}

/** One site: a disk and a catalog that stay, and a process that comes and goes. */
export class SimulatedSite {
  readonly name: string;
  view: CatalogView;
  readonly contents = new MemoryContents();
  /** Its process has done something since somebody looked. */
  isTouched = true;
  #path: string;
  #copy: CatalogInMemory | undefined;
  readonly #ports: SitePorts;
  readonly #unflushed = new UnflushedKeys();
  #running: Running | undefined;
  #serving: Running | undefined;
  #starts = 0;

  private constructor(name: string, ports: SitePorts, path: string, view: CatalogView) {
    this.name = name;
    this.#ports = ports;
    this.#path = path;
    this.view = view;
  }

  static async open(name: string, ports: SitePorts): Promise<SimulatedSite> {
    const { path, database } = await emptyInMemory();
    const site = new SimulatedSite(name, ports, path, new CatalogView(database));
    await site.start();
    await site.#declareScope();
    return site;
  }

  /** Undefined while it is down. */
  get running(): Running | undefined {
    return this.#running?.process.isAlive === true ? this.#running : undefined;
  }

  /** It answers, and sends. */
  get isServing(): boolean {
    return this.running !== undefined && this.#serving === this.#running;
  }

  async start(): Promise<void> {
    if (this.running !== undefined) return;
    await this.#running?.whole[Symbol.asyncDispose]();
    const { timeline, plan, random, onDeath } = this.#ports;
    const latency = random.fork();
    const process = new SimulatedProcess({
      timeline,
      latencyMs: () => (latency.chance(plan.portSlowness) ? latency.between(1, plan.portMsMax) : 0),
      onCall: () => {
        this.isTouched = true;
      },
      onDeath: () => {
        this.#ports.network.serve(this.name, undefined);
        onDeath(this.name);
      },
    });
    const clock = timeline.clock({ skewMs: plan.skewMs.get(this.name) ?? 0, isAlive: () => process.isAlive });
    const whole = await openSqliteInProcess({
      path: this.#path,
      clock,
      random: random.fork(),
      boot: `boot ${++this.#starts}`,
      schedule: queueMicrotask,
    });
    const storage = openMemoryStorage({ name: `local-${this.name}`, clock, contents: this.contents });
    const disk = process.guard(withPowerLoss(storage, this.#unflushed), ['list']);
    const catalog = process.guard(whole, ['onDue']);
    const { timeoutMs, copies } = plan.sync;
    this.#running = {
      process,
      catalog,
      copies,
      awaiting: new AwaitPeers({ catalog, clock }, { timeoutMs, copies, sends: true }),
      store: new SiteStore(disk),
      clock,
      operations: new OperationIds(clock, random.fork()),
      whole,
      conflicts: plan.conflicts,
      begun: Promise.resolve(),
    };
  }

  /** Answers its peers from now on, and sends what it has for them. */
  async serve(peers: readonly string[]): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    this.#serving = running;
    const { catalog, store, clock, whole } = running;
    const { plan } = this.#ports;
    await whole.beginLife();
    const { id } = await whole.site();
    const own: Hello = { protocol: PEER_PROTOCOL, site: id, url: `sim:${this.name}` };
    const { inlineBytesMax } = plan.stream;
    const desk = new SiteDesk(
      { catalog, clock, store, inlineBytesMax, openStore: openStoreOf(store) },
      { own, accepts: new Map(), pairs: () => Promise.resolve(true) },
    );
    this.#ports.network.serve(this.name, {
      hello: (from) => desk.hello(from),
      receive: (batch, signal) => desk.receive(batch, signal).catch(toPeerError),
      open: (wanted, signal) => desk.open(wanted, signal).catch(toPeerError),
      told: (told) => desk.told(told).catch(toPeerError),
      raiseFloor: (floor) => desk.raiseFloor(floor).catch(toPeerError),
      digests: (query) => desk.digests(query).catch(toPeerError),
      listing: (query) => desk.listing(query).catch(toPeerError),
    });
    // Sometimes it is known that its predecessor is dead, sometimes the stream is its until the lease is over.
    running.begun = this.#meetPeers(running, own);
    const owner = this.#ports.random.chance(0.7) ? this.name : `${this.name} ${this.#starts}`;
    for (const peer of peers) this.#stream(running, { peer, owner, own });
    this.#fetch(running, owner);
    const limits = { backlogEntriesMax: plan.backlogEntriesMax, awayMsMax: AWAY_MS_MAX };
    new PeerWatch({ catalog, clock }, limits).run(new AbortController().signal).catch(this.#ports.onDefect);
  }

  async addPeer(name: string): Promise<void> {
    await this.#running?.whole.addPeer({
      name,
      url: `sim:${name}`,
      direction: 'both',
      mode: this.#ports.plan.sync.ways.has(`${this.name} ${name}`) ? 'sync' : 'async',
      scopes: undefined,
    });
  }

  kill(): void {
    this.#running?.process.kill();
  }

  /** A copy of the catalog as it is now, for `restore`. */
  backUp(): void {
    this.#copy?.database.close();
    this.#copy = this.view.copy(copyInMemory);
  }

  /** The catalog is what it was at the last copy; what lies on the disk stays. Only of a site that is down. */
  async restore(): Promise<void> {
    if (this.#copy === undefined) throw new Error(`nobody has made a copy of the catalog of ${this.name}`);
    const copy = this.#copy;
    this.#copy = undefined;
    await this.#replace(copy);
  }

  /** Catalog and disk are gone: what starts here is another site. Only of one that is down. */
  async wipe(): Promise<void> {
    await this.#replace(await emptyInMemory());
    for (const key of this.contents.keysAfter('', undefined, Number.MAX_SAFE_INTEGER)) this.contents.delete(key);
    this.#unflushed.take();
    await this.start();
    await this.#declareScope();
  }

  async #replace({ path, database }: CatalogInMemory): Promise<void> {
    await this.#running?.whole[Symbol.asyncDispose]();
    this.#running = undefined;
    this.view.close();
    this.#path = path;
    this.view = new CatalogView(database);
  }

  /** What was not flushed is lost. Only of a site that is down. */
  losePower(): void {
    for (const key of this.#unflushed.take()) this.contents.delete(key);
  }

  async close(): Promise<void> {
    this.kill();
    await this.#running?.whole[Symbol.asyncDispose]();
    this.#copy?.database.close();
    this.view.close();
  }

  #meetPeers({ process, catalog, clock }: Running, own: Hello): Promise<void> {
    const { network, onDefect } = this.#ports;
    const linkTo = ({ name }: { readonly name: string }): Promise<PeerLink> =>
      Promise.resolve(process.guard(network.link(this.name, name)));
    const met = meetPeers({ catalog, clock, linkTo }, { own, signal: new AbortController().signal });
    met.catch(onDefect);
    return met;
  }

  #stream({ process, catalog, clock, store }: Running, options: { peer: string; owner: string; own: Hello }): void {
    const { network, plan, random, onDefect } = this.#ports;
    const { backlogEntriesMax, forwardAfterMs } = plan;
    const stream = new PeerStream(
      {
        catalog,
        clock,
        random: random.fork(),
        link: process.guard(network.link(this.name, options.peer)),
        readBytes: (outgoing, signal) =>
          readBytes({ catalog, openStore: openStoreOf(store), recent: store.recent }, outgoing, signal),
      },
      { ...options, ...plan.stream, retryAttempts: 3, backlogEntriesMax, forwardAfterMs },
    );
    stream.run(new AbortController().signal).catch(onDefect);
  }

  #fetch({ process, catalog, clock, store }: Running, owner: string): void {
    const { network, plan, random, onDefect, siteNamed } = this.#ports;
    const linkTo = (id: string): Promise<PeerLink | undefined> => {
      const name = siteNamed(id);
      return Promise.resolve(name === undefined ? undefined : process.guard(network.link(this.name, name)));
    };
    const listPeers = () => catalog.listPeers();
    const ports = { catalog, clock, random: random.fork(), store, linkTo, listPeers };
    const options = { owner, lanes: plan.stream.workers, retryDelayMs: plan.stream.retryDelayMs };
    fetchVersions(ports, options, new AbortController().signal).catch(onDefect);
  }

  async #declareScope(): Promise<void> {
    const store = this.#running?.store.storage.place ?? '';
    const replicas = [{ store, title: 'local', priority: 1 }];
    await this.#running?.whole.openScope({ name: SCOPE, title: SCOPE, source: undefined, replicas, standing: false });
  }
}

function openStoreOf({ storage }: SiteStore): (place: string) => Promise<Storage | undefined> {
  return (place) => Promise.resolve(place === storage.place ? storage : undefined);
}

/** The same in another place, that lasts as long as its connection is open. */
/** As a server answers: what its store or catalog cannot do now is asked again. */
function toPeerError(error: unknown): never {
  if (error instanceof StorageError || error instanceof CatalogError)
    throw new PeerError('busy', error.message, { cause: error });
  throw error;
}
