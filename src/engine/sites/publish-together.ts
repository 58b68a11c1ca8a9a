import type { Published, PublishRequest, Storage, StorageError } from '../../ports/storage.ts';

/** Flushes and publishes what many writers staged in one store with one flush. What fails is discarded. */
export async function publishTogether(
  storage: Storage,
  requests: readonly PublishRequest[],
): Promise<readonly (Published | StorageError)[]> {
  const staged = requests.map((one) => one.staged);
  try {
    await storage.flush(staged);
  } catch (error) {
    await storage.discard(staged).catch(() => undefined);
    throw error;
  }
  return storage.publish(requests);
}
