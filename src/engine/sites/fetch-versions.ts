import type { VersionEntry } from '../../domain/journal/entry.ts';
import { streamPauseMs } from '../../domain/journal/stream-pause.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClaimedFetch, Peer } from '../../ports/journal.ts';
import { PeerError, type PeerLink } from '../../ports/peer-link.ts';
import type { Random } from '../../ports/random.ts';
import { StorageError } from '../../ports/storage.ts';
import { discardKept } from './discard-kept.ts';
import type { SiteStore } from './site-store.ts';
import { Wakes } from './wakes.ts';

export interface FetchPorts {
  readonly catalog: Pick<
    Catalog,
    | 'judgeEntries'
    | 'applyEntries'
    | 'readPlaces'
    | 'claimFetches'
    | 'renewFetch'
    | 'finishFetch'
    | 'onDue'
    | 'site'
    | 'readLife'
    | 'queueObjects'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly store: SiteStore;
  /** The way to a site; undefined: nobody knows where it is. */
  readonly linkTo: (site: string) => Promise<PeerLink | undefined>;
  /** Who else may have what a site has lost. */
  readonly listPeers: () => Promise<readonly Pick<Peer, 'name' | 'site' | 'direction'>[]>;
}

export interface FetchOptions {
  /** Printable: who fetches. */
  readonly owner: string;
  /** Fetches under way at once: lanes of their own, so that what is large holds up nothing that is small. */
  readonly lanes: number;
  readonly retryDelayMs: number;
}

const LEASE_MS = 30_000;
const LOOK_MS = 1_000;
/** Of all that is committed only a part is to be fetched. */
const REST_MS = 5;
/** A body that breaks off is gone on with where it was, so often in a row without a byte between. */
const CONTINUED_MAX = 5;

/** Fetches the bytes of versions that peers told of, for as long as the signal allows; then they become what the objects are. */
export async function fetchVersions(ports: FetchPorts, options: FetchOptions, signal: AbortSignal): Promise<void> {
  const { catalog, clock } = ports;
  using wakes = new Wakes(catalog, clock, REST_MS);
  const underWay = new Set<Promise<void>>();
  while (!signal.aborted) {
    const limit = options.lanes - underWay.size;
    const claim = { owner: options.owner, limit, leaseMs: LEASE_MS };
    for (const claimed of limit > 0 ? await catalog.claimFetches(claim) : []) {
      const done = fetchOne(ports, options, claimed, signal).finally(() => {
        underWay.delete(done);
        wakes.ring();
      });
      underWay.add(done);
      // What it fails with is a fault of the program or of the catalog: told by whoever waits for the end.
      done.catch(() => undefined);
    }
    await wakes.wait(LOOK_MS, signal);
  }
  await Promise.all(underWay);
}

async function fetchOne(
  ports: FetchPorts,
  { retryDelayMs }: FetchOptions,
  claimed: ClaimedFetch,
  stop: AbortSignal,
): Promise<void> {
  const { catalog, random } = ports;
  const { lease, entry, source, attempts } = claimed;
  const ended = new AbortController();
  const signal = AbortSignal.any([stop, ended.signal]);
  const kept = keepLease(ports, claimed, ended, signal);
  try {
    if (await bring(ports, claimed, signal)) {
      await catalog.finishFetch(lease, 'done');
      const link = await ports.linkTo(source);
      const { id } = await catalog.site();
      // Where the telling is lost, the entry is offered again, and answered.
      const life = await catalog.readLife();
      await link?.tell({ from: id, life, operations: [entry.operation] }, signal).catch(() => undefined);
    }
  } catch (error) {
    if (!(error instanceof PeerError) && !(error instanceof StorageError)) throw error;
    const afterMs = stop.aborted ? 0 : streamPauseMs(retryDelayMs, attempts, random.fraction());
    await catalog.finishFetch(lease, { afterMs, error: error.message });
  } finally {
    ended.abort();
    await kept;
  }
}

/** False: the lease was lost on the way. */
async function bring(ports: FetchPorts, claimed: ClaimedFetch, signal: AbortSignal): Promise<boolean> {
  const { entry, source } = claimed;
  const { catalog, store } = ports;
  const [isWanted] = await catalog.judgeEntries([entry]);
  const { content } = entry;
  if (isWanted !== true || content.kind !== 'object') {
    await catalog.applyEntries({ from: source, entries: [{ entry }] });
    return true;
  }
  const holders = await holdersOf(ports, claimed);
  const body = continued(ports, { entry, holders }, signal);
  using _ = store.hold([entry.operation]);
  const kept = await store.keepExactly(entry.operation, content, body, signal);
  if (signal.aborted) return false;
  const [outcome] = await catalog.applyEntries({ from: source, entries: [{ entry, copy: kept.copy }] });
  if (outcome?.kind !== 'applied' && outcome?.kind !== 'conflict') await discardKept(ports, [kept]);
  else if (holders.at !== 0) await tellAgain(ports, entry);
  return true;
}

/** Sites that may have the bytes, in the order in which they are asked; `at`: who was asked last. */
interface Holders {
  readonly sites: readonly string[];
  at: number;
}

/** Who told of it first; where he has not got it any more, or was asked in vain, the others. */
async function holdersOf({ listPeers }: FetchPorts, { source, attempts }: ClaimedFetch): Promise<Holders> {
  const others = (await listPeers()).flatMap(({ site }) => (site === undefined || site === source ? [] : [site]));
  const sites = [source, ...others];
  return { sites, at: (attempts - 1) % sites.length };
}

/** A site that told of a version and has not got it may be an older copy of itself: it is told, though it was on the list of those that know. */
async function tellAgain({ catalog, listPeers }: FetchPorts, entry: VersionEntry): Promise<void> {
  const { scope, name, origin, addressed } = entry;
  for (const { name: peer, site, direction } of await listPeers()) {
    const isListed = site !== undefined && (site === origin || addressed.includes(site));
    if (isListed && direction !== 'receive') await catalog.queueObjects(peer, scope, [name]);
  }
}

/** The bytes of a version; where the way to them breaks, the next answer goes on at the same byte of the same version. */
async function* continued(
  { linkTo, clock }: FetchPorts,
  { entry, holders }: { readonly entry: VersionEntry; readonly holders: Holders },
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let at = 0;
  let failures = 0;
  const size = entry.content.kind === 'object' ? entry.content.size : 0;
  while (at < size) {
    const before = at;
    const source = holders.sites[holders.at] ?? '';
    try {
      const link = await linkTo(source);
      if (link === undefined) throw new PeerError('unreachable', `nobody knows where the site ${source} is`);
      const { scope, name, operation } = entry;
      const fetched = await link.fetch({ scope, name, operation, start: at }, signal);
      if (fetched.kind !== 'bytes') {
        holders.at = (holders.at + 1) % holders.sites.length;
        throw new PeerError('unreachable', `the site ${source} has not got the bytes of ${entry.operation} now`);
      }
      const chunks = fetched.body instanceof Uint8Array ? [fetched.body] : fetched.body;
      for await (const chunk of chunks) {
        at += chunk.length;
        yield chunk;
      }
      if (at < size) throw new PeerError('unreachable', `the bytes of ${entry.operation} ended after ${at} of ${size}`);
    } catch (error) {
      failures = at > before ? 1 : failures + 1;
      if (!(error instanceof PeerError) || failures >= CONTINUED_MAX || signal.aborted) throw error;
      await clock.sleep(100 * 2 ** failures, signal);
    }
  }
}

async function keepLease(
  { catalog, clock }: FetchPorts,
  { lease }: ClaimedFetch,
  ended: AbortController,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(LEASE_MS / 3, signal).catch(() => undefined);
    if (!signal.aborted && !(await catalog.renewFetch(lease, LEASE_MS))) ended.abort();
  }
}
