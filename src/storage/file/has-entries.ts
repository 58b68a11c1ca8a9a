import { opendir } from 'node:fs/promises';
import { RESERVED_DIRECTORY } from '../../domain/object/key.ts';

/** Whether a store's root has anything but what is Pando's own: most new targets have not, and are not worth a thread that lists. */
export async function hasEntries(root: string): Promise<boolean> {
  for await (const { name } of await opendir(root)) if (name !== RESERVED_DIRECTORY) return true;
  return false;
}
