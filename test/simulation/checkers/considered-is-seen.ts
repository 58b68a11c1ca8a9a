import type { SiteContext } from '../../../src/domain/journal/site-context.ts';
import { type Checker, hadSeen, isConsidered, type Seen, type VersionFact } from '../facts.ts';

/**
 * What a site says it has considered it has had, or has had something that follows it; and it never unsays it. All versions are told by the
 * sites that made them, before anybody else can know of them.
 */
export class ConsideredIsSeen implements Checker {
  readonly #made = new Map<string, VersionFact>();
  readonly #sites = new Map<string, SiteView>();

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') this.#sites.delete(seen.site);
    if (seen.kind === 'had') {
      this.#made.set(seen.version.id, seen.version);
      this.#of(seen.site).here.set(seen.version.id, seen.version);
    }
    return seen.kind === 'considered' ? this.#judge(seen.site, seen.context) : undefined;
  }

  #of(site: string): SiteView {
    const view = this.#sites.get(site) ?? { here: new Map<string, VersionFact>(), sure: new Set<string>() };
    this.#sites.set(site, view);
    return view;
  }

  #judge(site: string, context: SiteContext): string | undefined {
    const view = this.#of(site);
    for (const version of this.#made.values()) {
      const isSure = view.sure.has(version.id);
      if (!isConsidered(context, version)) {
        if (isSure) return `${site} had considered ${version.id}, and says it has not`;
        continue;
      }
      if (isSure) continue;
      const isSeen = view.here.has(version.id) || [...view.here.values()].some((one) => follows(one, version));
      if (!isSeen)
        return `${site} says it has considered ${version.id} of ${version.object}, and never had it or what follows it`;
      view.sure.add(version.id);
    }
    return undefined;
  }
}

interface SiteView {
  readonly here: Map<string, VersionFact>;
  readonly sure: Set<string>;
}

function follows(later: VersionFact, earlier: VersionFact): boolean {
  return later.object === earlier.object && hadSeen(later, earlier);
}
