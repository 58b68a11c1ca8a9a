import { formatInstant } from '../../domain/format-instant.ts';
import { AWAY } from '../audit/audit-tally.ts';
import type { Stores } from '../stores/store-access.ts';
import type { AwayFacts } from './store-marks.ts';

/** A store whose copies cannot be read now, as far as is known without asking it. */
export interface UnreadableStore {
  readonly store: string;
  /** One sentence, with what changes it. */
  readonly why: string;
}

/** By place: stores that are not to be read, and those that do not answer workers, or did not when they were audited last. */
export function findUnreadable(stores: Stores, { audits, use }: AwayFacts): ReadonlyMap<string, UnreadableStore> {
  const silent = new Map(use.map((one) => [one.store, one.away?.sinceMs]));
  const away = new Map(audits.filter(({ counts }) => counts[AWAY] === 1).map((one) => [one.store, one.updatedMs]));
  const unreadable = new Map<string, UnreadableStore>();
  for (const { place, name, traits } of stores.values()) {
    const auditMs = away.get(place);
    const sinceMs = silent.get(place);
    if (!traits.availability.read) {
      const why = `it gives no bytes now: pando store set ${name} --read, or --as-configured`;
      unreadable.set(place, { store: name, why });
    } else if (sinceMs !== undefined) {
      unreadable.set(place, { store: name, why: `it has not answered since ${formatInstant(sinceMs)}` });
    } else if (auditMs !== undefined) {
      unreadable.set(place, { store: name, why: `it did not answer its last audit, ${formatInstant(auditMs)}` });
    }
  }
  return unreadable;
}
