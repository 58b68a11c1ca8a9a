import type { AuditRecord } from '../../ports/audits.ts';
import { AWAY } from '../audit/audit-tally.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';

/** A store that is not as its copies would have it. */
export interface MarkedStore {
  readonly store: string;
  readonly place: string;
  /** For people, a few words each; never none. */
  readonly marks: readonly string[];
}

/** By place: what is not to be asked of stores now, as it was said or is configured, and which did not answer when they were audited last. */
export function findMarked(stores: Stores, audits: readonly AuditRecord[]): ReadonlyMap<string, MarkedStore> {
  const away = new Map(audits.filter(({ counts }) => counts[AWAY] === 1).map((one) => [one.store, one.updatedMs]));
  const marked = [...stores.values()].map((access) => ({
    store: access.name,
    place: access.place,
    marks: marksOf(access, away.get(access.place)),
  }));
  return new Map(marked.filter(({ marks }) => marks.length > 0).map((one) => [one.place, one]));
}

function marksOf({ traits }: StoreAccess, awayMs: number | undefined): readonly string[] {
  const { read, write, delete: deletes } = traits.availability;
  return [
    ...(read ? [] : ['gives no bytes now']),
    ...(write ? [] : ['takes no writes now']),
    ...(deletes ? [] : ['deletes nothing now']),
    ...(awayMs === undefined ? [] : [`did not answer its last audit, ${describeTime(awayMs)}`]),
  ];
}

function describeTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
