import { StorageError } from '../../ports/storage.ts';
import type { StoreAccess } from '../stores/store-access.ts';

/** Bytes free at a store now; undefined where it does not tell, or cannot be asked. */
export async function freeBytesOf(store: StoreAccess): Promise<number | undefined> {
  try {
    const storage = await store.protocols[0]?.open();
    return await storage?.freeBytes?.();
  } catch (error) {
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}
