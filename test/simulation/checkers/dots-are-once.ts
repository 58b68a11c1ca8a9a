import type { Checker, Seen } from '../facts.ts';

/** No number of an actor is given to two writes that anybody knows of, whatever becomes of the catalog that gives it. */
export class DotsAreOnce implements Checker {
  readonly #given = new Map<string, { readonly to: string; readonly sites: Set<string> }>();

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') this.#forget(seen.site);
    if (seen.kind !== 'had') return undefined;
    const { actor, counter, operation, object, id } = seen.version;
    const dot = `${actor}:${counter}`;
    const to = `${operation} of ${object}`;
    const known = this.#given.get(dot) ?? { to, sites: new Set() };
    if (known.to !== to) return `${seen.site} has ${id} for ${to}, and it was given to ${known.to} before`;
    this.#given.set(dot, known);
    known.sites.add(seen.site);
    return undefined;
  }

  /** What only this site knew of may be given again: nobody can take one for the other. */
  #forget(site: string): void {
    for (const [dot, { sites }] of this.#given) if (sites.delete(site) && sites.size === 0) this.#given.delete(dot);
  }
}
