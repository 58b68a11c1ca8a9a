import { readFileSync, statfsSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { Pando } from './compose.ts';
import type { Configuration, Profile, ServerSettings } from './config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from './config/problem.ts';
import { makeReplicationSettings } from './config/replication-settings.ts';
import { findScopeProblem } from './domain/object/scope.ts';
import { OpenSite } from './open-site.ts';
import { PEER_PATH } from './peers/peer-endpoint.ts';
import { declarePeers, openReplicationDesk } from './replication-desk.ts';
import { replicationRoutes } from './server/replication-routes.ts';
import { ObjectError } from './engine/object-error.ts';
import type { OpenedScope } from './engine/opened-scope.ts';
import { OperationIds } from './engine/operation-ids.ts';
import { AwaitPeers } from './engine/sites/await-peers.ts';
import { RoomLeft } from './engine/sites/room-left.ts';
import { ServedObjects } from './engine/sites/served-objects.ts';
import { ServedScopes } from './engine/sites/served-scopes.ts';
import { SiteStore } from './engine/sites/site-store.ts';
import { PeerWatch } from './engine/sites/watch-peers.ts';
import { openToRead } from './engine/stores/open-to-read.ts';
import { StorageError } from './ports/storage.ts';
import { Access } from './server/access.ts';
import { adminRoutes } from './server/admin-routes.ts';
import { commandRoute, type RunCommand } from './server/command-route.ts';
import { whyUnsafe } from './server/demand-safe.ts';
import { isLoopback } from './server/is-loopback.ts';
import { HttpServer, type HttpServerGiven } from './server/http-server.ts';
import { objectRoutes } from './server/object-routes.ts';
import { openapiRoute } from './server/openapi.ts';
import { ServerMetrics } from './server/server-metrics.ts';
import { Turns } from './server/turns.ts';
import { catalogNumbers, openServerDesk } from './server-desk.ts';

/** The parts of a site's server, before it listens. */
export interface SiteParts {
  readonly pando: Pando;
  readonly objects: ServedObjects;
  readonly scopes: ServedScopes;
  /** Where objects are kept that no profile's scope takes. */
  readonly store: SiteStore;
  readonly metrics: ServerMetrics;
  /** Nothing is written before peers were asked what they know of this site. */
  readonly begun: PromiseWithResolvers<void>;
}

export interface OpenSiteServer {
  readonly settings: ServerSettings;
  /** The profile of the site's own store. */
  readonly store: Profile;
  readonly isInsecure: boolean;
  readonly version: string;
  /** Carries out command lines of clients. */
  readonly runCommand: RunCommand;
  readonly onFault: HttpServerGiven['onFault'];
  readonly onServed: HttpServerGiven['onServed'];
}

/** A site's server that listens. */
export interface SiteServer {
  readonly url: string;
  readonly parts: SiteParts;
  /** Takes no more requests; those under way have so long to end. */
  close(graceMs: number): Promise<void>;
}

/** Fails with a `ConfigurationError` where it is not to be run so. */
export async function openSiteServer(pando: Pando, open: OpenSiteServer): Promise<SiteServer> {
  const { settings, isInsecure } = open;
  const { replication } = pando.configuration;
  demandDirectory(open.store);
  const tls = settings.tls && { cert: readPem('cert', settings.tls.cert), key: readPem('key', settings.tls.key) };
  const catalog = await pando.catalog();
  const tokens = await catalog.listTokens();
  const unsafe = whyUnsafe({ host: settings.host, hasTls: tls !== undefined, tokens, isInsecure });
  if (unsafe !== undefined) throw refused('server.host', unsafe, 'listen on 127.0.0.1, or do as it says');
  const backlogEntriesMax = backlogEntries(pando.configuration);
  const awayMsMax = replication?.peerAlarmMs ?? PEER_ALARM_MS;
  const watch = new PeerWatch({ catalog, clock: pando.clock, alarm: open.onFault }, { backlogEntriesMax, awayMsMax });
  const parts = await openParts(pando, open, watch);
  const { objects, metrics, store, begun } = parts;
  for (const number of catalogNumbers(pando)) metrics.look(number);
  const uploads = new Turns(settings.uploadsMax);
  metrics.look({
    name: 'pando_uploads_waiting',
    help: 'Bodies that wait for their turn',
    look: () => Promise.resolve([{ labels: {}, value: uploads.waiting }]),
  });
  const sends = replication?.enabled !== false;
  const awaiting = new AwaitPeers(
    { catalog, clock: pando.clock },
    { copies: replication?.syncCopies, timeoutMs: replication?.syncTimeoutMs ?? SYNC_TIMEOUT_MS, sends },
  );
  const desk = openServerDesk({ pando, objects, begun: begun.promise, whyNoStore: () => whyNoStore(store) });
  const routes = [
    ...adminRoutes(desk, metrics),
    ...replicationRoutes(openReplicationDesk(pando, replication)),
    commandRoute(open.runCommand),
    ...objectRoutes({
      objects,
      awaiting,
      uploads,
      nowMs: () => pando.clock.nowMs(),
      listScopes: () => listScopes(pando, open.store.name),
    }),
  ];
  const site: { current: OpenSite | undefined } = { current: undefined };
  const server = new HttpServer({
    peers: {
      path: PEER_PATH,
      answer: async (request, response, path) => {
        if (site.current === undefined) response.writeHead(503, { 'retry-after': '1' }).end();
        else await site.current.endpoint.answer(request, response, path);
      },
    },
    routes: [...routes, openapiRoute(routes, open.version)],
    access: new Access(catalog, pando.clock, { isLoopback: isLoopback(settings.host) }),
    clock: pando.clock,
    metrics,
    tls,
    onFault: open.onFault,
    onServed: open.onServed,
  });
  const { port } = await server.listen(settings.port, settings.host).catch((error: unknown) => {
    throw cannotListen(error, settings);
  });
  const host = settings.host.includes(':') ? `[${settings.host}]` : settings.host;
  const url = `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
  if (replication !== undefined && replication.enabled) await declarePeers(catalog, replication);
  const opened = await OpenSite.open(
    {
      catalog,
      clock: pando.clock,
      random: pando.random,
      telling: pando.telling,
      store: parts.store,
      openStore: (place) => openToRead(catalog, pando.stores(), place),
      owner: `server ${process.pid} on ${hostname()}`,
      watch,
      onFault: (why) => open.onFault('replication begins again', { why }),
      alarm: open.onFault,
    },
    {
      // Of an address that means any of the machine's nobody elsewhere can make anything.
      url: ANY_ADDRESS.test(settings.host) ? undefined : url,
      sends,
      backlogEntriesMax,
      batchSize: replication?.batchSize ?? 100,
      workers: WORKERS,
      inlineBytesMax: INLINE_BYTES_MAX,
      retryAttempts: replication?.retryAttempts ?? 3,
      retryDelayMs: replication?.retryDelayMs ?? 5_000,
      undoMs: replication?.undoMs ?? UNDO_MS,
      forwardAfterMs: replication?.forwardAfterMs ?? FORWARD_AFTER_MS,
      accepts: new Map((replication?.accept ?? []).map(({ id, token }) => [id, token])),
      pairs: async () => isLoopback(settings.host) && (await catalog.listTokens()).length === 0,
    },
  );
  site.current = opened;
  opened.meetPeers().then(begun.resolve, begun.reject);
  void opened.run();
  return {
    url,
    parts,
    async close(graceMs) {
      await server.close(graceMs);
      await opened[Symbol.asyncDispose]();
    },
  };
}

const ANY_ADDRESS = /^(?:0\.0\.0\.0|::)$/;
/** Batches under way to one peer. */
const WORKERS = 5;
const INLINE_BYTES_MAX = 1024 * 1024;
/** Of a server whose configuration says nothing of replication, and that has peers all the same. */
const {
  syncTimeoutMs: SYNC_TIMEOUT_MS,
  peerAlarmMs: PEER_ALARM_MS,
  undoMs: UNDO_MS,
  forwardAfterMs: FORWARD_AFTER_MS,
} = makeReplicationSettings();
const BACKLOG_BYTES = 10 * 1024 ** 3;
/**
 * An entry in the journal with its place in one queue: measured as 140 bytes in SQLite, about three times that in PostgreSQL. A version that
 * was replaced, and is kept because it waits, is as much again.
 */
const ENTRY_BYTES = 512;

/** How many entries may wait for a peer (docs/configuration.md, "Replication"). Of a catalog on another machine nobody here knows the disk. */
function backlogEntries({ replication, catalog }: Configuration): number {
  const disk = catalog.kind === 'sqlite' ? statfsSync(dirname(catalog.path)) : undefined;
  const share = disk === undefined ? Infinity : (disk.blocks * disk.bsize) / 10;
  const bytes = replication?.backlogBytesMax ?? Math.min(BACKLOG_BYTES, share);
  return Math.max(1, Math.floor(bytes / ENTRY_BYTES));
}

/** Those of profiles, and the site's own. */
async function listScopes(pando: Pando, ownStore: string): Promise<readonly string[]> {
  const ofProfiles = Object.keys(pando.configuration.profiles).filter((name) => name !== ownStore);
  const own = await (await pando.catalog()).listReplicatedScopes();
  return [...new Set([...ofProfiles, ...own])].filter((name) => findScopeProblem(name) === undefined).sort();
}

async function openParts(
  pando: Pando,
  { store: profile, settings, onFault }: OpenSiteServer,
  watch: PeerWatch,
): Promise<SiteParts> {
  await pando.prepareTarget(profile);
  const storage = await pando.openStore(profile);
  await storage.clean().catch(() => undefined);
  const catalog = await pando.catalog();
  await pando.declareStores();
  const store = new SiteStore(storage);
  const scopes = new ServedScopes({
    catalog,
    store,
    openProfile(name) {
      const named = pando.profile(name);
      if (named?.name === profile.name)
        throw refused('scope', `${name} is the store of this server, and no scope`, 'name another scope');
      return named && openProfile(pando, named, onFault);
    },
    openPlaced: (place) => openToRead(catalog, pando.stores(), place),
    openToDelete: async (place) =>
      pando
        .stores()
        .get(place)
        ?.protocols.find((protocol) => protocol.place === place)
        ?.open(),
    availability: pando.availability,
    deadlineMs: profile.deadlineMs,
  });
  const { storageBytes: bytesMax } = settings;
  const room =
    bytesMax === undefined
      ? undefined
      : new RoomLeft({ catalog, clock: pando.clock }, { place: storage.place, bytesMax });
  const begun = Promise.withResolvers<void>();
  // Heard by whoever writes.
  begun.promise.catch(() => undefined);
  const objects = new ServedObjects({
    catalog,
    clock: pando.clock,
    operations: new OperationIds(pando.clock, pando.random),
    objects: await pando.objects(),
    scopes,
    store,
    room,
    whyFull: (scope) => watch.whyFull(scope),
    conflicts: pando.configuration.replication?.conflicts ?? {},
    begun: begun.promise,
  });
  return { pando, objects, scopes, store, metrics: new ServerMetrics(), begun };
}

/** What is wrong with a configuration is for who keeps the server, and not for its clients. */
async function openProfile(pando: Pando, profile: Profile, onFault: OpenSiteServer['onFault']): Promise<OpenedScope> {
  try {
    return await pando.openScope(profile);
  } catch (cause) {
    if (!(cause instanceof ConfigurationError)) throw cause;
    onFault('a profile cannot be opened', { profile: profile.name, why: cause.message });
    const why = 'its profile cannot be opened; the log of the server says why';
    throw new ObjectError('unavailable', { scope: profile.name, name: '' }, why, { cause });
  }
}

/** A place for objects is a directory; of what is not there yet one is made. */
function demandDirectory({ storage, name }: Profile): void {
  if (storage.type !== 'file') return;
  const found = statSync(storage.basePath, { throwIfNoEntry: false });
  if (found === undefined || found.isDirectory()) return;
  const { basePath } = storage;
  if (found.isBlockDevice() || found.isCharacterDevice())
    throw refused(
      'server.storage_path',
      `${basePath} is a device, and ${name} keeps objects as files`,
      `make a file system on it (mkfs.ext4 or mkfs.xfs), mount it, and give the directory`,
    );
  throw refused('server.storage_path', `${basePath} is no directory`, 'give a directory, or one that is to be made');
}

async function whyNoStore({ storage }: SiteStore): Promise<string | undefined> {
  try {
    await storage.head('.ready').catch((error: unknown) => {
      if (!(error instanceof StorageError) || error.kind !== 'not-found') throw error;
    });
    return (await storage.freeBytes?.()) === 0 ? 'the disk is full' : undefined;
  } catch {
    return 'the store does not answer';
  }
}

function readPem(what: 'cert' | 'key', path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw refused(`server.tls.${what}`, `${path} cannot be read (${why})`, 'name a PEM file that you can read');
  }
}

function cannotListen(error: unknown, { host, port }: ServerSettings): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = LISTEN_FAILURES[code];
  return why === undefined
    ? error
    : refused('server.port', `${host}:${port}: ${why}`, 'choose another with --port or --host');
}

const LISTEN_FAILURES: Readonly<Record<string, string>> = {
  EADDRINUSE: 'somebody listens there already',
  EACCES: 'you may not listen there',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'there is no such host',
};

function refused(path: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles(path, message, remedy)]);
}
