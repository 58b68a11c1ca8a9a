import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { StoreHeld } from '../../ports/store-places.ts';

export interface LoseStore {
  /** Its place. */
  readonly store: string;
  readonly name: string;
  /** Ends it early: what was not come to is lost when it is said again. */
  readonly signal: AbortSignal;
  /** Of each object that has no copy left. */
  readonly onLost?: ((object: ObjectName) => void) | undefined;
}

export interface LostStore {
  readonly kind: 'lost';
  readonly copies: number;
  /** Objects of which no copy is left that could be good. */
  readonly objects: number;
  readonly isInterrupted: boolean;
}

export interface LosePorts {
  readonly catalog: Pick<Catalog, 'loseCopies' | 'countHeld' | 'recordEvents'>;
}

/** A fraction of a second each, so that others get their turn. */
const PAGE_OBJECTS = 1_000;
/** The newest events are kept: one for each of a million would push out all others. `pando status` counts what is lost. */
const EVENTS_MAX = 100;

/** A store is gone for good, page by page (docs/stores.md, "A store that is gone for good"). No byte is asked for or deleted anywhere. */
export async function loseStore(
  { catalog }: LosePorts,
  { store, name, signal, onLost }: LoseStore,
): Promise<LostStore | StoreHeld> {
  const held = await catalog.countHeld(store);
  let copies = 0;
  let objects = 0;
  for (let after: string | undefined; !signal.aborted; ) {
    const page = await catalog.loseCopies({
      store,
      limit: PAGE_OBJECTS,
      ...(after === undefined ? {} : { after }),
    });
    if (page.kind === 'held') return page;
    if (after === undefined && held !== undefined) {
      const detail = `${name} is gone for good: ${held.copies} copies are forgotten`;
      await catalog.recordEvents([{ kind: 'store-declared-lost', scope: '', store, detail }]);
    }
    await catalog.recordEvents(
      page.objects.slice(0, Math.max(0, EVENTS_MAX - objects)).map((object) => {
        const detail = `no copy of ${formatObjectName(object)} is left that could be good`;
        return { kind: 'object-lost', ...object, detail };
      }),
    );
    for (const object of page.objects) onLost?.(object);
    copies += page.copies;
    objects += page.objects.length;
    if (page.next === undefined) return { kind: 'lost', copies, objects, isInterrupted: false };
    after = page.next;
  }
  return { kind: 'lost', copies, objects, isInterrupted: true };
}
