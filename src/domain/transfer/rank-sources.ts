import type { ReplicaState } from '../replica/replica.ts';
import type { Route } from './find-route.ts';

/** A store that has, or had, a replica of the object. */
export interface SourceFacts {
  readonly store: string;
  readonly replica: ReplicaState;
  /** Of the version that is wanted. */
  readonly isCurrent: boolean;
  /** The rule's source expression names it, or there is none. */
  readonly matchesExpression: boolean;
  /** May be read, and has a protocol for it. */
  readonly isReadable: boolean;
  readonly kind: 'disk' | 'tape';
  /** Attempts of this request from here that failed. */
  readonly failures: number;
  /** Part of its recent transfers to this destination that failed, 0 to 1; 0 where none are known. */
  readonly failureRate: number;
  /** How its bytes come to the destination; undefined: not at all. */
  readonly route: Route | undefined;
}

export interface RankedSource {
  readonly store: string;
  readonly route: Route;
  /** Completes "chosen because …", read in comparison with those behind it. */
  readonly why: string;
}

export interface SourceRanking {
  /** Best first. */
  readonly ranked: readonly RankedSource[];
  readonly rejected: readonly { readonly store: string; readonly why: string }[];
}

type Reachable = SourceFacts & { readonly route: Route };

/** Which stores can give a version to `destination`, best first, and why not the others (docs/states.md, "Sources"). */
export function rankSources(sources: readonly SourceFacts[], destination: string): SourceRanking {
  const usable: Reachable[] = [];
  const rejected: { store: string; why: string }[] = [];
  for (const source of sources) {
    const why = reasonAgainst(source, destination);
    if (why !== undefined) rejected.push({ store: source.store, why });
    else if (source.route !== undefined) usable.push({ ...source, route: source.route });
  }
  const ranked = usable
    .sort(bestFirst)
    .map((source) => ({ store: source.store, route: source.route, why: explain(source) }));
  return { ranked, rejected };
}

function reasonAgainst(source: SourceFacts, destination: string): string | undefined {
  if (source.store === destination) return 'it is the destination';
  if (!source.matchesExpression) return 'the source expression does not name it';
  if (!source.isReadable) return 'it may not be read, or has no protocol for it';
  if (!source.isCurrent) return 'it has another version';
  const state = reasonAgainstState(source.replica);
  if (state !== undefined) return state;
  return source.route === undefined ? 'there is no way from it to the destination' : undefined;
}

function reasonAgainstState(state: ReplicaState): string | undefined {
  switch (state) {
    case 'AVAILABLE':
    // Copying it is its first full read.
    case 'UNVERIFIED':
      return undefined;
    case 'COPYING':
      return 'its own copy is still being written';
    case 'TEMPORARY_UNAVAILABLE':
    case 'UNAVAILABLE':
      return 'it does not answer';
    case 'SUSPICIOUS':
      return 'it holds, or may hold, other bytes than recorded';
    case 'BAD':
      return 'its bytes were found wrong or gone';
    case 'BEING_DELETED':
      return 'its copy is being deleted';
  }
}

/** One failure puts a disk on a level with a tape, where it is still first; two put it behind. */
function bestFirst(a: Reachable, b: Reachable): number {
  return (
    Number(a.replica === 'UNVERIFIED') - Number(b.replica === 'UNVERIFIED') ||
    penaltyOf(a) - penaltyOf(b) ||
    Number(a.kind === 'tape') - Number(b.kind === 'tape') ||
    a.failureRate - b.failureRate ||
    a.route.cost - b.route.cost ||
    a.route.stores.length - b.route.stores.length ||
    (a.store < b.store ? -1 : 1)
  );
}

function penaltyOf({ failures, kind }: SourceFacts): number {
  return failures + (kind === 'tape' ? 1 : 0);
}

function explain({ replica, kind, failures, route }: Reachable): string {
  const verified = replica === 'UNVERIFIED' ? 'a copy that was only seen' : 'a verified copy';
  const past = failures === 0 ? '' : `, failed attempts: ${failures}`;
  const hops = route.stores.length - 1;
  return `${verified} on ${kind}${past}, at distance ${route.cost}${hops > 1 ? ` over ${hops} hops` : ''}`;
}
