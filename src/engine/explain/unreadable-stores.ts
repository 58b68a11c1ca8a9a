import type { AuditRecord } from '../../ports/audits.ts';
import { AWAY } from '../audit/audit-tally.ts';
import type { Stores } from '../stores/store-access.ts';

/** A store whose copies cannot be read now, as far as is known without asking it. */
export interface UnreadableStore {
  readonly store: string;
  /** One sentence, with what changes it. */
  readonly why: string;
}

/** By place: stores that are not to be read, and those that did not answer when they were audited last. */
export function findUnreadable(stores: Stores, audits: readonly AuditRecord[]): ReadonlyMap<string, UnreadableStore> {
  const away = new Map(audits.filter(({ counts }) => counts[AWAY] === 1).map((one) => [one.store, one.updatedMs]));
  const unreadable = new Map<string, UnreadableStore>();
  for (const { place, name, traits } of stores.values()) {
    const sinceMs = away.get(place);
    if (!traits.availability.read) {
      const why = `it gives no bytes now: pando store set ${name} --read, or --as-configured`;
      unreadable.set(place, { store: name, why });
    } else if (sinceMs !== undefined) {
      const at = new Date(sinceMs).toISOString().replace(/\.\d+Z$/, 'Z');
      unreadable.set(place, { store: name, why: `it did not answer its last audit, ${at}` });
    }
  }
  return unreadable;
}
