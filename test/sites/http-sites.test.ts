import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { OperationIds } from '../../src/engine/operation-ids.ts';
import { SiteStore } from '../../src/engine/sites/site-store.ts';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import { OpenSite } from '../../src/open-site.ts';
import { PEER_PATH } from '../../src/peers/peer-endpoint.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { systemRandom } from '../../src/system/system-random.ts';

interface Site {
  readonly catalog: Catalog;
  readonly store: SiteStore;
  readonly site: OpenSite;
  readonly server: Server;
  readonly url: string;
}

describe('two sites over HTTP', () => {
  let root: string;
  const sites: Site[] = [];
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pando-sites-'));
  });
  afterEach(async () => {
    for (const { site, server, catalog } of sites.splice(0)) {
      await site[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
      await catalog[Symbol.asyncDispose]();
    }
    await rm(root, { recursive: true, force: true });
  });

  const open = async (name: string): Promise<Site> => {
    await mkdir(join(root, name, 'store'), { recursive: true });
    const storage = openFileStorage({ name: 'local', basePath: join(root, name, 'store') });
    const catalog = await openSqliteCatalog({ path: join(root, name, 'catalog.db') });
    const local = { store: storage.place, title: 'local', priority: 1 };
    await catalog.openScope({ name: 's', title: 's', source: undefined, replicas: [local], standing: false });
    const store = new SiteStore(storage);
    let endpoint: OpenSite['endpoint'] | undefined;
    const server = createServer((request, response) => {
      const path = request.url ?? '/';
      if (path.startsWith(PEER_PATH)) void endpoint?.answer(request, response, path);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const site = await OpenSite.open(
      {
        catalog,
        clock: systemClock,
        random: systemRandom,
        telling: {},
        store,
        openStore: (place) => Promise.resolve(place === storage.place ? storage : undefined),
        owner: name,
        watch: { run: () => Promise.resolve() },
        onFault: (why) => {
          throw new Error(why);
        },
      },
      {
        url,
        sends: true,
        batchSize: 100,
        workers: 5,
        inlineBytesMax: 1 << 20,
        retryAttempts: 3,
        retryDelayMs: 100,
        undoMs: 86_400_000,
        forwardAfterMs: 900_000,
        backlogEntriesMax: 1_000,
        accepts: new Map(),
        pairs: () => Promise.resolve(true),
      },
    );
    ({ endpoint } = site);
    void site.run();
    sites.push({ catalog, store, site, server, url });
    return sites.at(-1) as Site;
  };

  const settle = async (...all: readonly Site[]): Promise<void> => {
    for (const { catalog } of all) {
      for (;;) {
        const peers = await catalog.listPeers();
        if (peers.every(({ waiting, needsResync }) => waiting === 0 && !needsResync)) break;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
  };

  it('have small and large objects, and answer the one who fetches', async () => {
    const [a, b] = [await open('a'), await open('b')];
    await a.catalog.addPeer({
      name: 'b',
      url: b.url,
      direction: 'send',
      mode: 'async',
      scopes: undefined,
      presents: 'secret',
    });
    // What is written while a new peer is compared may be told to it twice.
    await settle(a);
    const operations = new OperationIds(systemClock, systemRandom);
    const bodies = new Map(
      [0, 1, 1000, (1 << 20) - 1, 1 << 20, 20 << 20].map((size) => [`n${size}`, randomBytes(size)]),
    );
    for (const [name, body] of bodies)
      await writeVersion(
        { catalog: a.catalog, clock: systemClock, operations },
        { scope: 's', name, store: a.store, body },
      );
    await settle(a);
    for (const [name, body] of bodies) {
      const row = await b.catalog.readObject('s', name);
      const [copy] = row?.replicas ?? [];
      const got = await b.store.storage.get(copy?.place ?? '');
      const chunks: Uint8Array[] = [];
      if (got.body instanceof Uint8Array) chunks.push(got.body);
      else for await (const chunk of got.body) chunks.push(Buffer.from(chunk));
      expect(Buffer.concat(chunks).equals(body), name).toBe(true);
    }
    expect((await a.catalog.listPeers())[0]).toMatchObject({ acknowledged: bodies.size, dead: 0 });
    expect(await b.catalog.listPeers()).toMatchObject([{ direction: 'receive', url: a.url }]);
  });
});
