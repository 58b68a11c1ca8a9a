import { type Storage, StorageError } from '../../ports/storage.ts';

/**
 * Asks a source that had objects whether it still has any. One that was unmounted, or whose bucket went, answers "missing" to
 * every question; before anything is concluded from that, the first page of its listing must not be empty.
 */
export async function checkSourceStays(source: Storage, prefix: string, signal: AbortSignal): Promise<void> {
  try {
    for await (const { objects, failures, markers } of source.list(prefix, { signal }))
      if (objects.length + failures.length + markers > 0) return;
  } catch (error) {
    if (!(error instanceof StorageError) || error.kind !== 'not-found') throw error;
    throw new StorageError('unavailable', { store: source.name }, 'the source went away while it was synced', error);
  }
  const why = 'the source had objects when it was listed and is empty now: nothing was concluded from that';
  throw new StorageError('unavailable', { store: source.name }, why);
}
