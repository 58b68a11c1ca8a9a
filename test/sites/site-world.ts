import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { OperationIds } from '../../src/engine/operation-ids.ts';
import { PeerStream } from '../../src/engine/sites/peer-stream.ts';
import { readBytes } from '../../src/engine/sites/read-bytes.ts';
import { receiveEntries } from '../../src/engine/sites/receive-entries.ts';
import { SiteDigests } from '../../src/engine/sites/site-digests.ts';
import { SiteStore } from '../../src/engine/sites/site-store.ts';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { PEER_PROTOCOL, type PeerLink } from '../../src/ports/peer-link.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';

export class TestSite {
  readonly name: string;
  readonly catalog: Catalog;
  readonly store: SiteStore;
  readonly inlineBytesMax = 1 << 20;
  readonly operations = new OperationIds(systemClock, systemRandom);

  constructor(name: string, catalog: Catalog, store: SiteStore) {
    this.name = name;
    this.catalog = catalog;
    this.store = store;
  }

  async put(scope: string, name: string, text: string): Promise<string> {
    await this.catalog.openScope({
      name: scope,
      title: scope,
      source: undefined,
      replicas: [{ store: this.store.storage.place, title: 'local', priority: 1 }],
      standing: false,
    });
    const ports = { catalog: this.catalog, clock: systemClock, operations: this.operations };
    const written = await writeVersion(ports, { scope, name, store: this.store, body: Buffer.from(text) });
    return written.version;
  }

  async remove(scope: string, name: string): Promise<void> {
    const row = await this.catalog.readObject(scope, name);
    const operation = this.operations.next();
    const content = { kind: 'tombstone' } as const;
    await this.catalog.record({
      changes: [{ scope, name, follows: row?.current.id, content, operation, replicas: [] }],
    });
  }

  async read(scope: string, name: string): Promise<string | undefined> {
    const row = await this.catalog.readObject(scope, name);
    if (row === undefined || row.current.content.kind === 'tombstone') return undefined;
    const copy = row.replicas.find(({ versionId }) => versionId === row.current.id);
    if (copy === undefined) throw new Error(`${this.name} has no bytes of ${scope}:${name}`);
    const { body } = await this.store.storage.get(copy.place);
    return Buffer.from(body as Uint8Array).toString();
  }
}

export class SiteWorld implements AsyncDisposable {
  readonly sites: Record<string, TestSite> = {};
  readonly #stop = new AbortController();
  readonly #streams: Promise<void>[] = [];

  static async open(names: readonly string[]) {
    const world = new SiteWorld();
    for (const name of names) {
      const catalog = await openSqliteCatalog({ path: ':memory:', thread: false });
      const storage = openMemoryStorage({ name: `local-${name}`, clock: systemClock });
      await catalog.openScope({
        name: '-',
        title: '-',
        source: undefined,
        replicas: [{ store: storage.place, title: 'local', priority: 1 }],
        standing: false,
      });
      world.sites[name] = new TestSite(name, catalog, new SiteStore(storage));
    }
    return world as SiteWorld & { readonly sites: Record<'a' | 'b' | 'c' | 'd', TestSite> };
  }

  /** `send`: what the receiver answers, where it is not what it would. */
  async connect(from: string, to: string, send?: PeerLink['send']): Promise<void> {
    const [sender, receiver] = [this.sites[from] as TestSite, this.sites[to] as TestSite];
    await sender.catalog.addPeer({ name: to, url: 'test:', direction: 'both', mode: 'async', scopes: undefined });
    const { id } = await sender.catalog.site();
    const link: PeerLink = {
      hello: async () => ({ protocol: PEER_PROTOCOL, site: (await receiver.catalog.site()).id, url: undefined }),
      send: (batch, signal) => (send ?? ((...given) => receiveEntries(receiver, ...given)))(batch, signal),
      fetch: () => Promise.reject(new Error('not here')),
      digests: (query) => new SiteDigests(receiver.catalog, systemClock).digests(query),
      listing: (query) => new SiteDigests(receiver.catalog, systemClock).listing(query),
      raiseFloor: async ({ upTo }) => void (await receiver.catalog.raiseFloor(upTo)),
      tell: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
    const stream = new PeerStream(
      {
        catalog: sender.catalog,
        clock: systemClock,
        random: systemRandom,
        link,
        readBytes: (outgoing, signal) =>
          readBytes(
            {
              catalog: sender.catalog,
              recent: sender.store.recent,
              openStore: (place) =>
                Promise.resolve(place === sender.store.storage.place ? sender.store.storage : undefined),
            },
            outgoing,
            signal,
          ),
      },
      {
        peer: to,
        owner: from,
        own: { protocol: PEER_PROTOCOL, site: id, url: undefined },
        batchSize: 100,
        workers: 5,
        inlineBytesMax: 1 << 20,
        forwardAfterMs: 900_000,
        retryAttempts: 3,
        retryDelayMs: 50,
        backlogEntriesMax: 1_000,
      },
    );
    this.#streams.push(stream.run(this.#stop.signal));
  }

  async settle(): Promise<void> {
    for (const site of Object.values(this.sites)) {
      for (;;) {
        const peers = await site.catalog.listPeers();
        if (peers.every(({ waiting, needsResync }) => waiting === 0 && !needsResync)) break;
        await Promise.race([new Promise((resolve) => setTimeout(resolve, 5)), ...this.#streams]);
      }
    }
  }

  async differences(): Promise<string[]> {
    const listings = await Promise.all(
      Object.values(this.sites).map(async ({ name, catalog }) => {
        const page = await catalog.scanScope({
          scope: 's',
          prefix: '',
          stores: [],
          limit: 10_000,
          details: true,
          deleted: true,
        });
        const lines = await Promise.all(
          page.names.map(async (object) => {
            const row = await catalog.readObject('s', object);
            return `${object} ${row?.current.dot.actor}:${row?.current.dot.counter}`;
          }),
        );
        return { name, lines };
      }),
    );
    const [first, ...others] = listings;
    return others
      .filter(({ lines }) => lines.join('\n') !== first?.lines.join('\n'))
      .map(({ name, lines }) => `${name}: ${lines.join(', ')} is not ${first?.lines.join(', ')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#streams);
    for (const { catalog } of Object.values(this.sites)) await catalog[Symbol.asyncDispose]();
  }
}
