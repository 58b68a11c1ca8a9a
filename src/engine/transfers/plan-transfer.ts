import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import { decideAcceptance, type StoreUsage } from '../../domain/store/acceptance.ts';
import type { AttemptOutcome } from '../../domain/transfer/attempt.ts';
import { findRoute, type Route, type Topology } from '../../domain/transfer/find-route.ts';
import { chooseNextWay, type Way, type WayFailure } from '../../domain/transfer/next-way.ts';
import { isSettled } from '../../domain/transfer/settled-token.ts';
import { rankSources, type SourceFacts } from '../../domain/transfer/rank-sources.ts';
import type { TransferEnd, TransferSource } from '../../ports/transfer-tool.ts';
import { urlOf } from '../../domain/store/protocol.ts';
import type { ClosedStores } from '../../domain/store/closed-stores.ts';
import { namesOf, placeIn, type StoreAccess, type StoreProtocol, type Stores, waysTo } from '../stores/store-access.ts';
import { placesMeant } from '../rules/store-facts.ts';

/** A copy that is asked for, with what the catalog knows of it at one moment. Stores by place. */
export interface TransferFacts {
  readonly object: ObjectName;
  /** The destination, and the key the copy is to have there. */
  readonly store: string;
  readonly place: string;
  readonly versionId: number;
  readonly content: ObjectContent;
  readonly format: string;
  readonly isByPolicy: boolean;
  /** Its bytes were to come from a file of whoever uploads it. */
  readonly isUpload: boolean;
  readonly sourceExpression: string | undefined;
  /** What this request read from last, or waited for. */
  readonly lastSource: string | undefined;
  /** Of the object, of all versions. */
  readonly replicas: readonly Replica[];
  /** Of this request, since it was queued. */
  readonly failures: readonly WayFailure[];
  /** Of the destination, without this copy. */
  readonly usage: StoreUsage;
  /** Part of the recent transfers to the destination that failed, by source; none where none are known. */
  readonly failureRates: ReadonlyMap<string, number>;
}

export interface TransferSurroundings {
  readonly stores: Stores;
  readonly closed: Pick<ClosedStores, 'whyNot'>;
  /** Of the machine that carries it out. */
  readonly clientSite: string | undefined;
  readonly topology: Topology;
  /** Uniform in [0, 1): whose turn it is among protocols of one priority. */
  readonly fraction: number;
}

/** One attempt, with the reasons that `explain` tells. */
export interface PlannedTransfer {
  readonly kind: 'planned';
  readonly sources: readonly TransferSource[];
  /** By which each of these would be read, in their order. */
  readonly sourceWays: readonly Way[];
  readonly destination: TransferEnd;
  /** Best first, this one included; what is left when it fails. */
  readonly ways: readonly Way[];
  readonly way: Way;
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
  /** The bytes are there, and were only seen: they are read where they lie, and nothing is brought. */
  readonly isInPlace?: true;
}

export type TransferPlan = PlannedTransfer | { readonly kind: 'not-now'; readonly outcome: AttemptOutcome };

/** What is told of an upload whose uploader is gone, where no store can give the bytes in its place. */
export const UPLOAD_INTERRUPTED = 'its upload was interrupted: pando upload --resume';

/** More sources than this are not named to one attempt: the next attempt ranks anew. */
const SOURCES_MAX = 4;

/**
 * From where and how a copy is made next (docs/states.md, "Sources" and "Attempts"), or why not now. A source that the destination does
 * not take copies from is none; of one that is best by way of a relay, the copy at the relay comes first.
 */
export function planTransfer(facts: TransferFacts, surroundings: TransferSurroundings): TransferPlan {
  const { stores, closed } = surroundings;
  const destination = stores.get(facts.store);
  if (destination === undefined) return notNow({ kind: 'held-back', why: 'no profile here names the store' });
  const writing = waysTo(destination, 'write', surroundings);
  const why = closed.whyNot(facts.store, 'write', facts.place);
  if (why !== undefined) return notNow({ kind: 'held-back', why: `${destination.name}: ${why}` });
  if (writing.length === 0) return notNow({ kind: 'held-back', why: `${destination.name} takes no writes now` });

  const { ranked, rejected, refusal } = rank(facts, destination, surroundings);
  if (ranked.length === 0) {
    const inPlace = planInPlace(facts, destination, surroundings);
    if (inPlace !== undefined) return { ...inPlace, rejected };
    return notNow(refusal ?? { kind: 'no-source', why: facts.isUpload ? UPLOAD_INTERRUPTED : describeNone(rejected) });
  }
  const relayed = relayFor(facts, ranked[0] as Source, surroundings);
  if (relayed !== undefined) return notNow(relayed);
  const adjacent = ranked.filter(({ route }) => route.stores.length === 2);
  const ways = waysFrom(adjacent, writing, facts.failures);
  const next = chooseNextWay(ways, facts.failures);
  if (next === undefined) return notNow({ kind: 'no-source', why: 'every way has failed' });
  const used = ways.find((one) => one.source === next.way.source && one.protocol === next.way.protocol) as FullWay;
  // The others by the same protocol of the destination: a tool goes on with the next when one fails.
  const others = ways.filter((one) => one.writing === used.writing && one.source !== used.source);
  const firstOfEach = [...new Map(others.toReversed().map((one) => [one.source, one])).values()].toReversed();
  const asked = [used, ...firstOfEach].slice(0, SOURCES_MAX);
  return {
    kind: 'planned',
    sources: asked.map((one) => endAt(one.reading, one.replica)),
    sourceWays: asked.map(plainWay),
    destination: { store: used.writing.place, key: facts.place, url: urlOf(used.writing.place, facts.place) },
    ways: ways.map(plainWay),
    way: plainWay(used),
    rejected,
  };
}

/**
 * A copy that was only seen at its destination, where it is known what it should be: by its hash, or because its store is the scope's
 * source, whose bytes *are* the object.
 */
function planInPlace(
  { object, store, place, versionId, content, replicas, failures }: TransferFacts,
  destination: StoreAccess,
  surroundings: TransferSurroundings,
): Omit<PlannedTransfer, 'rejected'> | undefined {
  const replica = replicas.find((one) => one.store === store && one.versionId === versionId && one.place === place);
  const isJudged = content.sha256 !== undefined || destination.sourceOf.includes(object.scope);
  if (replica?.state !== 'UNVERIFIED' || replica.token === undefined || !isJudged) return undefined;
  if (surroundings.closed.whyNot(store, 'read', place) !== undefined) return undefined;
  // By its own protocol: the others do not know its token.
  const own = waysTo(destination, 'read', surroundings).find((one) => one.place === store);
  if (own === undefined) return undefined;
  const ways = [{ source: store, protocol: wayName(own, own) }];
  const way = chooseNextWay(ways, failures)?.way;
  if (way === undefined) return undefined;
  const end = endAt(own, replica);
  return { kind: 'planned', isInPlace: true, sources: [end], sourceWays: ways, destination: end, ways, way };
}

/** It goes to the catalog with the attempt, and a protocol does not cross a thread. */
function plainWay({ source, protocol }: Way): Way {
  return { source, protocol };
}

/** The way of one of its sources, as a tool names it; of one it did not name, that of the attempt. */
export function wayFrom({ sources, sourceWays, way }: PlannedTransfer, source: string | undefined): Way {
  return sourceWays[sources.findIndex(({ store }) => store === source)] ?? way;
}

/** Where the bytes of a copy may come from, as `planTransfer` sees it: best first, and why not the others. Stores by name. */
export function judgeSources(
  facts: TransferFacts,
  surroundings: TransferSurroundings,
): {
  readonly ranked: readonly { readonly store: string; readonly why: string }[];
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
} {
  const destination = surroundings.stores.get(facts.store);
  if (destination === undefined) return { ranked: [], rejected: [] };
  const { reasons, rejected } = rank(facts, destination, surroundings);
  return { ranked: reasons, rejected };
}

interface Source {
  readonly replica: Replica;
  readonly route: Route;
  readonly reading: readonly StoreProtocol[];
}

function rank(
  facts: TransferFacts,
  destination: StoreAccess,
  surroundings: TransferSurroundings,
): {
  readonly ranked: readonly Source[];
  readonly reasons: readonly { readonly store: string; readonly why: string }[];
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
  readonly refusal: AttemptOutcome | undefined;
} {
  const { stores, closed } = surroundings;
  const all = [...stores.values()];
  const { sourceExpression } = facts;
  const meant = sourceExpression === undefined ? undefined : new Set(placesMeant(sourceExpression, all));
  const topology = openTopology(facts, surroundings);
  const sources = new Map<string, Omit<Source, 'route'>>();
  const rejected: { store: string; why: string }[] = [];
  const candidates: SourceFacts[] = [];
  let refusal: AttemptOutcome | undefined;
  const withoutBytes = new Set<string>();
  for (const replica of facts.replicas) {
    // What is to be made is no source of itself.
    if (replica.store === facts.store) continue;
    const store = stores.get(replica.store);
    if (hasNoBytes(replica)) withoutBytes.add(store?.name ?? replica.store);
    if (store === undefined) {
      rejected.push({ store: replica.store, why: 'no profile here names it' });
      continue;
    }
    if (hasNoBytes(replica) && replica.state === 'UNAVAILABLE') {
      rejected.push({ store: store.name, why: 'no copy has come there' });
      continue;
    }
    const refused = refuseAtAdmission(facts, destination, store);
    if (refused !== undefined && replica.versionId === facts.versionId) {
      refusal ??= { kind: 'failed', failure: refused.failure, why: refused.why };
      rejected.push({ store: store.name, why: refused.why });
      continue;
    }
    const isClosed = closed.whyNot(store.place, 'read', replica.place) !== undefined;
    const reading = isClosed ? [] : waysTo(store, 'read', surroundings);
    sources.set(store.name, { replica, reading });
    candidates.push({
      store: store.name,
      replica: replica.state,
      isCurrent: replica.versionId === facts.versionId,
      matchesExpression: meant === undefined || meant.has(replica.store) || replica.store === facts.lastSource,
      isReadable: reading.length > 0,
      kind: store.traits.kind,
      failures: facts.failures.filter(({ source }) => source === replica.store).length,
      failureRate: facts.failureRates.get(replica.store) ?? 0,
      route: findRoute(topology, { from: store.name, to: destination.name }),
    });
  }
  const ranking = rankSources(candidates, destination.name);
  return {
    ranked: ranking.ranked.map(({ store, route }) => ({ ...(sources.get(store) as Source), route })),
    reasons: ranking.ranked.map(({ store, why }) => ({ store, why })),
    rejected: toTell([...rejected, ...ranking.rejected, ...failedRelays(facts, surroundings)], withoutBytes),
    refusal,
  };
}

/** Being written, or given up. */
function hasNoBytes({ state, token }: Replica): boolean {
  return token === undefined && (state === 'COPYING' || state === 'UNAVAILABLE');
}

/** Why stores that have bytes cannot give them; that others have none yet is told where there is nothing else. */
function toTell<R extends { readonly store: string }>(
  rejected: readonly R[],
  withoutBytes: ReadonlySet<string>,
): readonly R[] {
  const telling = rejected.filter(({ store }) => !withoutBytes.has(store));
  return telling.length > 0 ? telling : rejected;
}

/** What the destination says when the bytes are about to arrive, with the source they really come from. */
function refuseAtAdmission(
  { object, content, format, isByPolicy, usage }: TransferFacts,
  destination: StoreAccess,
  source: StoreAccess,
): { readonly failure: WayFailure; readonly why: string } | undefined {
  const origin = { kind: 'source', names: namesOf(source) } as const;
  const asked = { object: formatObjectName(object), bytes: content.size, format, origin, isByPolicy, usage };
  const decision = decideAcceptance(destination.traits.accepts, asked);
  if (decision.kind === 'accepted') return undefined;
  const kind = decision.reason === 'space' ? 'full' : 'denied';
  const failure = { source: source.place, protocol: '', at: 'destination', kind } as const;
  return { failure, why: `${destination.name} refuses the copy: ${decision.why}` };
}

/** The copy at the last store before the destination comes first, where the best source is further away than that. */
function relayFor(
  { object, replicas }: TransferFacts,
  { replica, route }: Source,
  { stores }: TransferSurroundings,
): AttemptOutcome | undefined {
  if (route.stores.length === 2) return undefined;
  const name = route.stores.at(-2);
  const relay = [...stores.values()].find((store) => store.name === name) as StoreAccess;
  const older = replicas.find(({ store }) => store === relay.place);
  const path = older === undefined ? placeIn(relay, object, undefined) : { path: older.place };
  if ('refused' in path) return { kind: 'held-back', why: path.refused };
  const why = `first a copy goes to ${relay.name}, on the way from ${stores.get(replica.store)?.name}`;
  return { kind: 'relayed', relay: { store: relay.place, place: path.path }, why };
}

/** The links as they are for this copy: a relay where it failed, or cannot be, is none. */
function openTopology(facts: TransferFacts, surroundings: TransferSurroundings): Topology {
  const { topology, stores } = surroundings;
  if (topology.relays.size === 0) return topology;
  const relays = new Map(topology.relays);
  for (const store of stores.values()) {
    if (relays.has(store.name) && !mayRelay(facts, store, surroundings)) relays.delete(store.name);
  }
  return { ...topology, relays };
}

function mayRelay(facts: TransferFacts, store: StoreAccess, surroundings: TransferSurroundings): boolean {
  const { object, versionId, replicas, failures } = facts;
  if (failures.some(({ source }) => source === store.place)) return false;
  const there = replicas.find((replica) => replica.store === store.place && replica.versionId === versionId);
  if (there !== undefined) return RELAYING.has(there.state);
  return (
    'path' in placeIn(store, object, undefined) &&
    waysTo(store, 'write', surroundings).length > 0 &&
    waysTo(store, 'read', surroundings).length > 0
  );
}

/** There, or on its way there. */
const RELAYING: ReadonlySet<Replica['state']> = new Set(['COPYING', 'AVAILABLE', 'UNVERIFIED']);

function failedRelays(
  { replicas, failures }: TransferFacts,
  { stores, topology }: TransferSurroundings,
): { readonly store: string; readonly why: string }[] {
  const failed = new Set(failures.map(({ source }) => source));
  return [...failed].flatMap((place) => {
    const name = stores.get(place)?.name;
    if (name === undefined || !topology.relays.has(name) || replicas.some(({ store }) => store === place)) return [];
    return { store: name, why: 'a copy there, on the way, failed' };
  });
}

interface FullWay extends Way {
  readonly replica: Replica;
  readonly reading: StoreProtocol;
  readonly writing: StoreProtocol;
}

/** Every source by every protocol it has in common with the destination; protocols that failed more come later. */
function waysFrom(
  ranked: readonly Source[],
  writing: readonly StoreProtocol[],
  failures: readonly WayFailure[],
): FullWay[] {
  const ways = writing.flatMap((written) =>
    ranked.flatMap(({ replica, reading }) =>
      reading.map((read) => ({
        source: replica.store,
        protocol: wayName(read, written),
        replica,
        reading: read,
        writing: written,
      })),
    ),
  );
  const failuresOf = ({ writing: { name } }: FullWay): number =>
    failures.filter(({ at, protocol }) => at === 'destination' && protocol.endsWith(`→${name}`)).length;
  return ways.toSorted((a, b) => failuresOf(a) - failuresOf(b));
}

/** What a way is called in attempts: the protocols at both ends. */
function wayName(reading: StoreProtocol, writing: StoreProtocol): string {
  return `${reading.name}→${writing.name}`;
}

/** The token is of the store's own protocol; others have tokens of their own. */
export function endAt({ place }: StoreProtocol, { store, place: key, token }: Replica): TransferSource {
  return { store: place, key, url: urlOf(place, key), token: place === store ? knownToken(token) : undefined };
}

/** One that matches nothing cannot be asked for: the bytes are taken as they are, and compared by their hash. */
function knownToken(token: string | undefined): string | undefined {
  return token === undefined || isSettled(token) ? token : undefined;
}

function describeNone(rejected: readonly { readonly store: string; readonly why: string }[]): string {
  if (rejected.length === 0) return 'no store has a copy of it';
  return `no store can give it (${rejected.map(({ store, why }) => `${store}: ${why}`).join('; ')})`;
}

function notNow(outcome: AttemptOutcome): TransferPlan {
  return { kind: 'not-now', outcome };
}
