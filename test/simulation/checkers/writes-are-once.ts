import { type Checker, forgetSite, hadSeen, type Seen, type VersionFact } from '../facts.ts';
import { outcomeOf } from './convergence.ts';

/** I12: a repeat at a site that knows the write makes nothing; and a condition that was acknowledged held at that site when it was written. */
export class WritesAreOnce implements Checker {
  readonly #had = new Map<string, VersionFact[]>();
  /** By site those it made itself. */
  readonly #own = new Map<string, Set<string>>();

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') {
      forgetSite(seen.site, this.#had);
      this.#own.delete(seen.site);
    }
    if (seen.kind === 'had') return this.#have(seen);
    if (seen.kind === 'refused') return this.#doubt(seen);
    return seen.kind === 'acknowledged' ? this.#judge(seen) : undefined;
  }

  #have({ site, version, isOwn }: Extract<Seen, { kind: 'had' }>): string | undefined {
    const at = `${site} ${version.object}`;
    const had = this.#had.get(at) ?? [];
    this.#had.set(at, had);
    const before = had.find(({ operation }) => operation === version.operation);
    had.push(version);
    if (!isOwn) return undefined;
    const own = this.#own.get(site) ?? new Set();
    this.#own.set(site, own.add(version.id));
    if (before === undefined) return undefined;
    return `${site} has made ${version.id} of ${version.object} for the operation that had made ${before.id}`;
  }

  #doubt({ site, object, operation, reason }: Extract<Seen, { kind: 'refused' }>): string | undefined {
    const made = this.#had.get(`${site} ${object}`)?.find((one) => one.operation === operation);
    if (reason !== 'condition' || made === undefined) return undefined;
    return `${site} has refused the repeat of a write that had made ${made.id} of ${object}`;
  }

  #judge({
    site,
    object,
    versions,
    condition,
    operation,
  }: Extract<Seen, { kind: 'acknowledged' }>): string | undefined {
    if (condition === undefined) return undefined;
    const made = versions.find((one) => one.operation === operation);
    if (made === undefined) return `${site} has acknowledged a condition on ${object} for a write that was not made`;
    // The repeat of a write that another site has made.
    if (this.#own.get(site)?.has(made.id) !== true) return undefined;
    const had = this.#had.get(`${site} ${object}`) ?? [];
    const [was] = outcomeOf(had.filter((one) => hadSeen(made, one)));
    if (condition === 'absent') {
      if (was === undefined || was.isTombstone) return undefined;
      return `${site} has written ${made.id} only if ${object} is absent, and it was ${was.id}`;
    }
    if (was?.operation === condition) return undefined;
    return `${site} has written ${made.id} of ${object} only over ${condition}, and it was ${was?.operation ?? 'absent'}`;
  }
}
