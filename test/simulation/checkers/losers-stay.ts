import type { ConflictPolicy } from '../../../src/domain/journal/conflict-policy.ts';
import { type Checker, forgetSite, hadSeen, type Seen, type VersionFact } from '../facts.ts';

/** Where both are kept, no write follows more than one of the contents that were beside each other at its site. */
export class LosersStay implements Checker {
  readonly #policy: ConflictPolicy;
  readonly #present = new Map<string, readonly VersionFact[]>();

  constructor(policy: ConflictPolicy) {
    this.#policy = policy;
  }

  see(seen: Seen): string | undefined {
    if (seen.kind === 'forgot') forgetSite(seen.site, this.#present);
    if (seen.kind === 'versions') this.#present.set(`${seen.site} ${seen.object}`, seen.versions);
    if (this.#policy !== 'keep-both' || seen.kind !== 'had' || !seen.isOwn) return undefined;
    const { site, version } = seen;
    const present = this.#present.get(`${site} ${version.object}`) ?? [];
    const followed = present.filter((one) => !one.isTombstone && hadSeen(version, one));
    if (new Set(followed.map(({ sha256 }) => sha256)).size <= 1) return undefined;
    return `${site} has made ${version.id} of ${version.object}, which follows ${followed.map(({ id }) => id).join(' and ')}`;
  }
}
