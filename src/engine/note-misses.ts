import { REQUEST_PRIORITY } from '../domain/transfer/request-priorities.ts';
import type { LaterRecords } from './later-records.ts';
import type { ObjectScope } from './opened-scope.ts';
import { storesInReadOrder } from './scope-stores.ts';

export interface Miss {
  readonly scope: ObjectScope;
  readonly name: string;
  /** The version that was read. */
  readonly versionId: number;
  /** Place of the store that served it. */
  readonly hit: string;
  /** Places of replica stores without the version. */
  readonly lacking: ReadonlySet<string>;
}

/**
 * Queues a copy to every replica of better priority than the hit that lacked the version (docs/reading.md, "Upload on miss").
 * The bytes will come from a store, never from the reader's hands; the reader does not wait.
 */
export function noteMisses(later: LaterRecords, { scope, name, versionId, hit, lacking }: Miss): void {
  if (lacking.size === 0) return;
  const places = storesInReadOrder(scope).map(({ place }) => place);
  const mirrors = new Set(scope.replicas.filter(({ isMirror }) => isMirror).map(({ storage }) => storage.place));
  const ahead = places.includes(hit) ? places.slice(0, places.indexOf(hit)) : places;
  const better = ahead.filter((place) => lacking.has(place) && mirrors.has(place));
  if (better.length === 0) return;
  later.add({
    requests: better.map((store) => ({
      kind: 'copy',
      scope: scope.name,
      name,
      versionId,
      store,
      reason: 'miss',
      priority: REQUEST_PRIORITY.miss,
    })),
  });
}
