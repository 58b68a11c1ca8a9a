import { DARK_DIRECTORY } from '../../domain/object/key.ts';
import { StorageError } from '../../ports/storage.ts';
import { storeAt, storesInside } from '../../domain/store/nested-stores.ts';
import type { Catalog } from '../../ports/catalog.ts';
import { openOwn } from '../stores/open-own.ts';
import type { StoreAccess, Stores } from '../stores/store-access.ts';
import { setAsideMs } from './set-aside.ts';

export interface RemoveDark {
  readonly stores: Stores;
  readonly catalog: Pick<Catalog, 'listNearby'>;
  readonly access: StoreAccess;
  readonly olderThanMs: number;
  readonly nowMs: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

export interface DarkRemoved {
  readonly store: string;
  /** What is gone, or with `dryRun` would go. */
  readonly removed: number;
  readonly bytes: number;
  /** Younger than was asked for, or below another store that lies there. */
  readonly kept: number;
  /** The first failure; what could not be removed is there still. */
  readonly why: string | undefined;
}

/** Removes what audits have set aside long enough ago. The only command that deletes files nobody knows. */
export async function removeDark(args: RemoveDark): Promise<DarkRemoved> {
  const { access, stores, catalog, olderThanMs, nowMs, dryRun, signal } = args;
  let [removed, bytes, kept] = [0, 0, 0];
  let why: string | undefined;
  if (!access.traits.availability.delete && !dryRun)
    return { store: access.name, removed, bytes, kept, why: `${access.name} deletes nothing for now` };
  try {
    const storage = await openOwn(access);
    const known = await catalog.listNearby(access.place);
    const inside = storesInside(access.place, { configured: stores.values(), known });
    for await (const { objects } of storage.list(DARK_DIRECTORY, { signal })) {
      for (const { key, token, size } of objects) {
        const atMs = setAsideMs(key);
        if (storeAt(inside, key) !== undefined || atMs === undefined || nowMs - atMs < olderThanMs) {
          kept++;
          continue;
        }
        try {
          if (!dryRun) await storage.delete(key, { ifToken: token, signal });
        } catch (error) {
          if (!(error instanceof StorageError) || error.kind === 'aborted') throw error;
          why ??= error.message;
          continue;
        }
        removed++;
        bytes += size;
      }
    }
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    why ??= error.message;
  }
  return { store: access.name, removed, bytes, kept, why };
}
