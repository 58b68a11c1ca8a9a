import { type Checker, forgetSite, hadSeen, type Seen, type VersionFact } from '../facts.ts';

/** I5: what was deleted, or followed, by something a site has had does not come back at that site; and nothing vanishes without a trace. */
export class NothingComesBack implements Checker {
  readonly #everHere = new Map<string, VersionFact[]>();

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') forgetSite(seen.site, this.#everHere);
    if (seen.kind !== 'versions') return undefined;
    const { site, object, versions } = seen;
    const at = `${site} ${object}`;
    const ever = this.#everHere.get(at) ?? [];
    this.#everHere.set(at, ever);
    for (const one of versions) if (!ever.some(({ id }) => id === one.id)) ever.push(one);
    for (const one of versions) {
      const end = ever.find((other) => hadSeen(other, one));
      if (end !== undefined) return `${site} has ${one.id} of ${object}, which ${end.id} had ended there`;
    }
    const gone = ever.find((one) => !versions.some((other) => other.id === one.id || hadSeen(other, one)));
    return gone && `${site} has lost ${gone.id} of ${object}: nothing there has seen it`;
  }
}
