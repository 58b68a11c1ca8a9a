import { formatInstant } from '../../domain/format-instant.ts';
import type { AuditRecord } from '../../ports/audits.ts';
import type { StoreUse } from '../../ports/rules.ts';
import { AWAY } from '../audit/audit-tally.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';

/** A store that is not as its copies would have it. */
export interface MarkedStore {
  readonly store: string;
  readonly place: string;
  /** For people, a few words each; never none. */
  readonly marks: readonly string[];
}

/** What is known of stores that do not answer. */
export interface AwayFacts {
  readonly audits: readonly AuditRecord[];
  readonly use: readonly Pick<StoreUse, 'store' | 'away'>[];
}

/**
 * By place: what is not to be asked of stores now, as it was said or is configured, and which do not answer workers, or did not when they
 * were audited last.
 */
export function findMarked(stores: Stores, { audits, use }: AwayFacts): ReadonlyMap<string, MarkedStore> {
  const sinceMs = new Map(use.map((one) => [one.store, one.away?.sinceMs]));
  const away = new Map(audits.filter(({ counts }) => counts[AWAY] === 1).map((one) => [one.store, one.updatedMs]));
  const marked = [...stores.values()].map((access) => ({
    store: access.name,
    place: access.place,
    marks: marksOf(access, { sinceMs: sinceMs.get(access.place), auditMs: away.get(access.place) }),
  }));
  return new Map(marked.filter(({ marks }) => marks.length > 0).map((one) => [one.place, one]));
}

function marksOf(
  { traits }: StoreAccess,
  { sinceMs, auditMs }: { readonly sinceMs: number | undefined; readonly auditMs: number | undefined },
): readonly string[] {
  const { read, write, delete: deletes } = traits.availability;
  return [
    ...(read ? [] : ['gives no bytes now']),
    ...(write ? [] : ['takes no writes now']),
    ...(deletes ? [] : ['deletes nothing now']),
    ...(sinceMs === undefined ? [] : [`has not answered since ${formatInstant(sinceMs)}`]),
    ...(auditMs === undefined ? [] : [`did not answer its last audit, ${formatInstant(auditMs)}`]),
  ];
}
