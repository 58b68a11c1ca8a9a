import { hadSeen, type VersionFact } from '../facts.ts';

/** A writer was told that his write is at so many of these peers. */
export interface Replicated {
  readonly site: string;
  readonly object: string;
  /** What the write has made at the site. */
  readonly versions: readonly VersionFact[];
  readonly among: readonly string[];
  readonly needed: number;
}

/** What a peer has of an object: its versions, and of which of them its store gives the right bytes. */
export interface HeldThere {
  readonly versions: readonly VersionFact[];
  readonly withBytes: ReadonlySet<string>;
}

/** Sync mode: who is acknowledged so has his bytes, or those of something that has seen his write, at as many peers as were to have them. */
export function checkReplicated(
  { site, object, versions, among, needed }: Replicated,
  at: (peer: string) => HeldThere,
): string | undefined {
  const holds = (peer: string): boolean => {
    const there = at(peer);
    return versions.some((made) =>
      there.versions.some(
        (one) => (one.id === made.id || hadSeen(one, made)) && (one.isTombstone || there.withBytes.has(one.id)),
      ),
    );
  };
  const holders = among.filter(holds);
  if (versions.length > 0 && holders.length >= needed) return undefined;
  const ids = versions.map(({ id }) => id).join(' or ') || 'a version that was never made';
  const where = holders.join(', ') || 'nobody';
  return `${site} has told that ${ids} of ${object} is at ${needed} of ${among.join(', ')}, and ${where} has it`;
}
