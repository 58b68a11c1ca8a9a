import type { SiteContext } from '../../src/domain/journal/site-context.ts';

/** A version as it stands in the catalogs, without any of the product's decisions about it. */
export interface VersionFact {
  /** `actor:counter`. */
  readonly id: string;
  readonly actor: string;
  readonly counter: number;
  /** `scope/name`. */
  readonly object: string;
  /** By actor. */
  readonly context: Readonly<Record<string, number>>;
  readonly ms: number;
  readonly n: number;
  /** Id of the site that made it. */
  readonly origin: string;
  readonly operation: string;
  readonly isTombstone: boolean;
  readonly size: number;
  readonly sha256: string | undefined;
}

/** What an onlooker sees of a world, in order. */
export type Seen =
  /** A version was written into a site's catalog: made there, or taken from a peer. */
  | { readonly kind: 'had'; readonly site: string; readonly version: VersionFact; readonly isOwn: boolean }
  /** An object of a site has these versions from now on: the one that is served, then its siblings. */
  | {
      readonly kind: 'versions';
      readonly site: string;
      readonly object: string;
      readonly versions: readonly VersionFact[];
    }
  /** Told after the versions of the same moment. */
  | { readonly kind: 'considered'; readonly site: string; readonly context: SiteContext }
  /** What a site had it does not know any more: its catalog is an older copy, or new. */
  | { readonly kind: 'forgot'; readonly site: string }
  /** A client was told that its write is done, and which versions it made here. */
  | {
      readonly kind: 'acknowledged';
      readonly site: string;
      readonly object: string;
      readonly versions: readonly VersionFact[];
      readonly operation: string;
      /** `absent`, or the operation id of the version it was to follow. */
      readonly condition: string | undefined;
    }
  | {
      readonly kind: 'refused';
      readonly site: string;
      readonly object: string;
      readonly operation: string;
      readonly reason: string;
    }
  | { readonly kind: 'read-began'; readonly site: string; readonly object: string; readonly reader: number }
  /** Undefined: there is no such object. */
  | {
      readonly kind: 'read';
      readonly site: string;
      readonly object: string;
      readonly reader: number;
      readonly version: VersionFact | undefined;
      /** Of the bytes that came. */
      readonly sha256: string | undefined;
    };

/** Looks on and complains; a sentence is a defect. */
export interface Checker {
  see(seen: Seen): string | undefined;
}

/** Short enough for a story. */
export function idOf({ actor, counter }: Pick<VersionFact, 'actor' | 'counter'>): string {
  return `${actor.slice(0, 4)}:${counter}`;
}

/** Whether the writer of `later` had seen `earlier`; said anew here, so that the product's own comparison is looked at from outside. */
export function hadSeen(later: VersionFact, earlier: Pick<VersionFact, 'actor' | 'counter'>): boolean {
  return (later.context[earlier.actor] ?? 0) >= earlier.counter;
}

/** Of what is noted by site and object. */
export function forgetSite(site: string, ...noted: readonly Map<string, unknown>[]): void {
  for (const map of noted) for (const key of map.keys()) if (key.startsWith(`${site} `)) map.delete(key);
}

export function isConsidered(
  context: SiteContext,
  { actor, counter }: Pick<VersionFact, 'actor' | 'counter'>,
): boolean {
  const considered = context[actor];
  return considered !== undefined && (counter <= considered.upTo || considered.beyond.includes(counter));
}
