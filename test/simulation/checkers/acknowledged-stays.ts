import { type Checker, forgetSite, hadSeen, type Seen, type VersionFact } from '../facts.ts';

/** I1: what a site has acknowledged is there at that site, or something that has seen it is. */
export class AcknowledgedStays implements Checker {
  readonly #owed = new Map<string, VersionFact[][]>();
  readonly #present = new Map<string, readonly VersionFact[]>();

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') forgetSite(seen.site, this.#owed, this.#present);
    if (seen.kind !== 'versions' && seen.kind !== 'acknowledged') return undefined;
    const at = `${seen.site} ${seen.object}`;
    if (seen.kind === 'versions') this.#present.set(at, seen.versions);
    else {
      const owed = this.#owed.get(at) ?? [];
      this.#owed.set(at, [...owed, [...seen.versions]]);
    }
    const present = this.#present.get(at) ?? [];
    for (const candidates of this.#owed.get(at) ?? []) {
      if (candidates.some((one) => isKept(present, one))) continue;
      const ids = candidates.map(({ id }) => id).join(' or ') || 'a version that was never made';
      return `${seen.site} has acknowledged ${ids} of ${seen.object}, and has only ${present.map(({ id }) => id).join(', ') || 'nothing'}`;
    }
    return undefined;
  }
}

function isKept(present: readonly VersionFact[], version: VersionFact): boolean {
  return present.some((one) => one.id === version.id || hadSeen(one, version));
}
