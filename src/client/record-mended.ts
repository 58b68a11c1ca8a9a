import type { VerifyFindingKind } from '../engine/verify/verify-types.ts';
import type { Catalog, NewEvent } from '../ports/catalog.ts';

/** A copy that was found wrong, and copied again. */
export interface CopiedAgain {
  readonly name: string;
  /** Place of its store. */
  readonly store: string;
  readonly kind: VerifyFindingKind;
}

const BATCH = 500;

/** Tells as events which copies are good now: what was found wrong with them is told already. */
export async function recordMended(
  catalog: Pick<Catalog, 'readObject' | 'recordEvents'>,
  scope: string,
  copies: readonly CopiedAgain[],
): Promise<void> {
  for (let from = 0; from < copies.length; from += BATCH) {
    const events: NewEvent[] = [];
    for (const { name, store, kind } of copies.slice(from, from + BATCH)) {
      const row = await catalog.readObject(scope, name);
      const copy = row?.replicas.find((one) => one.store === store && one.versionId === row.current.id);
      if (copy?.state !== 'AVAILABLE') continue;
      const detail = `it was ${kind}; copied again and read back by verify --repair`;
      events.push({ kind: 'replica-mended', scope, name, store, detail });
    }
    await catalog.recordEvents(events);
  }
}
