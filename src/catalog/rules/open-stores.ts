import type { OpenStore } from '../../ports/store-use.ts';
import { openStore } from '../verbs/open-scope.ts';
import type { Session } from '../session.ts';

/** In the order of their places, so that two processes that open the same ones do not wait for each other crosswise. */
export async function openStores(session: Session, stores: readonly OpenStore[]): Promise<void> {
  for (const { store: place, title, allocatedBytes } of stores.toSorted((a, b) => (a.store < b.store ? -1 : 1))) {
    const store = await openStore(session, place, title);
    const allocated = allocatedBytes ?? null;
    await session.db
      .insertInto('store_space')
      .values({ store, used: 0, reserved: 0, leaving: 0, pending: 0, allocated })
      .onConflict((conflict) => conflict.column('store').doUpdateSet({ allocated }))
      .execute();
  }
}
