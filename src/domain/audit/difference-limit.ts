/** What an audit found at one store, counted. */
export interface AuditCounts {
  /** Copies the catalog expects at the store. */
  readonly known: number;
  /** Objects the store listed. */
  readonly listed: number;
  readonly lost: number;
  readonly dark: number;
  readonly stale: number;
  readonly corrupt: number;
}

/** More than this part, in percent: then the listing, the store or the catalog is more likely to be wrong than so many copies. */
export const DIFFERENCE_PERCENT_DEFAULT = 10;

/**
 * Why nothing is done about what was found, as "12 of 40 copies are lost (30 %)"; undefined: it is few enough. Copies are compared
 * with those that are known, dark files with those that were listed: so an empty catalog makes all of a store dark, and not infinitely
 * much.
 */
export function findTooDifferent(counts: AuditCounts, percentMax: number): string | undefined {
  for (const { count, of, what } of sharesOf(counts)) {
    if (count * 100 > of * percentMax) return `${count} of ${of} ${what} (${percentOf(count, of)} %)`;
  }
  return undefined;
}

/** The least whole limit, in percent, by which this is few enough. */
export function findLimitNeeded(counts: AuditCounts): number {
  return Math.max(...sharesOf(counts).map(({ count, of }) => Math.ceil((count * 100) / Math.max(1, of))));
}

function sharesOf({ known, listed, lost, dark, stale, corrupt }: AuditCounts) {
  return [
    { count: lost, of: known, what: 'copies are lost' },
    { count: stale + corrupt, of: known, what: 'copies hold other bytes' },
    { count: dark, of: listed, what: 'files are dark' },
  ];
}

/** Rounded up: what is above a limit never reads as if it were at it. */
function percentOf(count: number, of: number): string {
  const tenths = Math.ceil((count * 1000) / Math.max(1, of));
  return tenths % 10 === 0 ? String(tenths / 10) : (tenths / 10).toFixed(1);
}
