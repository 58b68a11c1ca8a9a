import type { ObjectScope } from '../opened-scope.ts';
import type { Stores } from './store-access.ts';

/**
 * A scope as far as these stores are concerned, whatever profile it has: its objects are what the catalog says. Stores that cannot be
 * opened here are left out.
 */
export async function openLooseScope(
  name: string,
  places: readonly string[],
  stores: Stores,
  availability: ObjectScope['availability'] & object,
): Promise<ObjectScope> {
  const replicas = [];
  let deadlineMs = 0;
  for (const [at, place] of places.entries()) {
    const store = stores.get(place);
    const own = store?.protocols.find((protocol) => protocol.place === place);
    if (store === undefined || own === undefined) continue;
    deadlineMs = Math.max(deadlineMs, store.deadlineMs);
    replicas.push({ title: store.name, priority: at + 1, isMirror: false, storage: await own.open() });
  }
  return { name, title: name, source: undefined, replicas, availability, consistency: 'validated', deadlineMs };
}
