import { hadSeen, isConsidered, type VersionFact } from '../facts.ts';
import type { SiteContext } from '../../../src/domain/journal/site-context.ts';

/** What one site has when nothing happens any more. */
export interface FinalSite {
  readonly site: string;
  /** By object: what is served, then its siblings. */
  readonly objects: ReadonlyMap<string, readonly VersionFact[]>;
  readonly considered: SiteContext;
  /** Of what is served, by object: the hash of the bytes that its store gives; undefined: there are none. */
  readonly bytes: ReadonlyMap<string, string | undefined>;
  readonly peers: readonly FinalPeer[];
  /** Lines that still wait, are refused, or lie in the journal for nobody. */
  readonly leftovers: readonly string[];
}

export interface FinalPeer {
  readonly name: string;
  /** Lines that were ever queued for it, and that it has acknowledged by its counter. */
  readonly queued: number;
  readonly acknowledged: number;
  /** Some of these lines were given up for a comparison, and are not counted. */
  readonly isGivenUp?: boolean;
}

export interface Ending {
  readonly sites: readonly FinalSite[];
  /** All versions ever made, with the site that made them. */
  readonly made: ReadonlyMap<string, readonly VersionFact[]>;
  /** By site: those whose changes reach it, itself among them. */
  readonly heard: ReadonlyMap<string, ReadonlySet<string>>;
  /** By site: those that tell it themselves, and itself. */
  readonly told: ReadonlyMap<string, ReadonlySet<string>>;
}

/** I6: when faults stop, each site has what follows from all that can reach it, whatever the order in which it came. */
export function checkConvergence({ sites, made, heard, told }: Ending): string[] {
  return sites.flatMap((one) => {
    const directly = [...(told.get(one.site) ?? [])].flatMap((site) => made.get(site) ?? []);
    const reaching = [...(heard.get(one.site) ?? [])].flatMap((site) => made.get(site) ?? []);
    return [
      ...compareObjects(one, reaching),
      ...missingDots(one, reaching, new Set(directly)),
      ...wrongBytes(one),
      ...one.leftovers.map((left) => `${one.site}: ${left}`),
      ...one.peers
        .filter(({ queued, acknowledged, isGivenUp }) =>
          isGivenUp === true ? queued < acknowledged : queued !== acknowledged,
        )
        .map((peer) => `${one.site} has queued ${peer.queued} lines for ${peer.name}, and counts ${peer.acknowledged}`),
    ];
  });
}

function compareObjects({ site, objects }: FinalSite, reaching: readonly VersionFact[]): string[] {
  const byObject = Map.groupBy(reaching, ({ object }) => object);
  const names = new Set([...byObject.keys(), ...objects.keys()]);
  return [...names].flatMap((object) => {
    const wanted = outcomeOf(byObject.get(object) ?? []);
    const found = objects.get(object) ?? [];
    if (found[0]?.id === wanted[0]?.id && sameIds(found, wanted)) return [];
    return [`${site} has ${describe(found)} of ${object}, and all that reaches it makes ${describe(wanted)}`];
  });
}

/** The versions nobody has seen when writing another one, that which is served first. */
export function outcomeOf(versions: readonly VersionFact[]): readonly VersionFact[] {
  const last = versions.filter((one) => !versions.some((other) => other.id !== one.id && hadSeen(other, one)));
  return last.toSorted((a, b) => {
    const keys = [
      Number(a.isTombstone) - Number(b.isTombstone),
      b.ms - a.ms,
      b.n - a.n,
      inOrder(b.origin, a.origin),
      inOrder(b.operation, a.operation),
      inOrder(b.actor, a.actor),
    ];
    return keys.find((key) => key !== 0) ?? 0;
  });
}

function inOrder(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function sameIds(a: readonly VersionFact[], b: readonly VersionFact[]): boolean {
  return a.length === b.length && a.every((one) => b.some(({ id }) => id === one.id));
}

function describe(versions: readonly VersionFact[]): string {
  return versions.map(({ id, isTombstone }) => (isTombstone ? `${id} (deleted)` : id)).join(' beside ') || 'nothing';
}

/**
 * Whoever makes changes tells his peers up to which all that is meant for them has come. To others a change that another one had followed
 * before it was forwarded is not told, so they may have considered only what follows it.
 */
function missingDots(
  { site, considered }: FinalSite,
  reaching: readonly VersionFact[],
  directly: ReadonlySet<VersionFact>,
): string[] {
  const isCovered = (one: VersionFact): boolean =>
    !directly.has(one) && reaching.some((other) => follows(other, one) && isConsidered(considered, other));
  return reaching
    .filter((one) => !isConsidered(considered, one) && !isCovered(one))
    .map(({ id, object }) => `${site} has not considered ${id} of ${object}`);
}

function follows(later: VersionFact, earlier: VersionFact): boolean {
  return later.object === earlier.object && later.id !== earlier.id && hadSeen(later, earlier);
}

function wrongBytes({ site, objects, bytes }: FinalSite): string[] {
  return [...objects].flatMap(([object, [served]]) => {
    if (served === undefined || served.isTombstone || bytes.get(object) === served.sha256) return [];
    return [`${site} has no right bytes of ${served.id} of ${object}`];
  });
}
