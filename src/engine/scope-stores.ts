import type { ReadableStore } from '../domain/replica/candidates.ts';
import type { Storage } from '../ports/storage.ts';
import type { ObjectScope } from './opened-scope.ts';
import type { StoreHealth } from './store-health.ts';

/** A scope's stores in read order: replicas by priority, then the source. */
export function storesInReadOrder({ replicas, source }: ObjectScope): readonly Storage[] {
  return [...replicas.map(({ storage }) => storage), ...(source === undefined ? [] : [source])];
}

/** The scope's store at this place; undefined where the scope does not name it any more. */
export function storageAt(scope: ObjectScope, place: string): Storage | undefined {
  if (scope.source?.place === place) return scope.source;
  return scope.replicas.find(({ storage }) => storage.place === place)?.storage;
}

/** The same, also of a store the scope does not name; undefined where nobody says how to reach it. */
export async function openStoreAt(scope: ObjectScope, place: string): Promise<Storage | undefined> {
  return storageAt(scope, place) ?? (await scope.openElsewhere?.(place));
}

export function roleOf(scope: ObjectScope, place: string): 'source' | 'replica' {
  return scope.source?.place === place ? 'source' : 'replica';
}

/** The scope's stores as a read plan of this object needs them. */
export function readableStores(
  scope: ObjectScope,
  name: string,
  health: StoreHealth,
  except: readonly string[] = [],
): readonly ReadableStore[] {
  return storesInReadOrder(scope)
    .filter(({ place }) => !except.includes(place))
    .map(({ place }) => ({
      store: place,
      role: roleOf(scope, place),
      advice: health.adviseOn(place),
      closed: scope.availability?.whyNot(place, 'read', name),
    }));
}
