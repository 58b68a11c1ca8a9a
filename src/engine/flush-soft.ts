import type { Catalog } from '../ports/catalog.ts';
import { type Storage, StorageError } from '../ports/storage.ts';

/** Places of the stores that do not flush what is written to them. */
export function softPlaces(storages: readonly (Storage | undefined)[]): string[] {
  return storages.flatMap((storage) => (storage?.capabilities.soft === true ? [storage.place] : []));
}

/**
 * Makes durable what is soft at these stores, by one flush of each that has something (docs/versions.md, "Soft copies"). By the
 * time somebody comes back to a store, its system has written most of it, so little is waited for. Where the flush fails, the
 * copies are not trusted until they were read again; where a system has no such flush, they stay soft.
 */
export async function flushSoft(
  catalog: Pick<Catalog, 'beginFlush' | 'endFlush' | 'recordEvents'>,
  scope: string,
  storages: readonly Storage[],
): Promise<void> {
  await Promise.all(
    storages.map(async (storage) => {
      const flush = await catalog.beginFlush(storage.place);
      if (flush.length === 0) return;
      const failure = await flushAll(storage);
      if (failure?.kind === 'unsupported') return;
      await catalog.endFlush(flush, failure === undefined);
      if (failure !== undefined)
        await catalog.recordEvents([{ kind: 'flush-failed', scope, store: storage.place, detail: failure.message }]);
    }),
  );
}

async function flushAll(storage: Storage): Promise<StorageError | undefined> {
  try {
    await storage.flushAll();
    return undefined;
  } catch (error) {
    if (error instanceof StorageError) return error;
    throw error;
  }
}
