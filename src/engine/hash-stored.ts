import { createHash } from 'node:crypto';
import type { Clock } from '../ports/clock.ts';
import { StorageError } from '../ports/storage.ts';
import type { Question } from './ask-store.ts';
import { BodyChunks } from './body-chunks.ts';
import { Deadline } from './deadline.ts';
import type { StoreHealth } from './store-health.ts';

/**
 * Reads what a store holds under this token from the first byte to the last, and hashes it. Fails with `precondition-failed`
 * when it holds something else, with `corrupt` when other than `size` bytes come.
 */
export async function hashStored(
  { clock, health }: { readonly clock: Clock; readonly health: StoreHealth },
  { storage, key, deadlineMs, signal }: Question,
  { token, size }: { readonly token: string; readonly size: number },
): Promise<string> {
  const where = { store: storage.name, key };
  using deadline = new Deadline(clock, deadlineMs, where, signal);
  let chunks: BodyChunks | undefined;
  try {
    const got = await deadline.within((aborted) => storage.get(key, { ifToken: token, signal: aborted }));
    chunks = new BodyChunks(got.body, deadline);
    const hash = createHash('sha256');
    let bytes = 0;
    for (let chunk = await chunks.next(); chunk !== undefined; chunk = await chunks.next()) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    if (bytes !== size) throw new StorageError('corrupt', where, `${bytes} bytes came of ${size}`);
    health.answered(storage.place);
    return hash.digest('hex');
  } catch (error) {
    if (error instanceof StorageError) health.failed(storage.place, error);
    throw error;
  } finally {
    chunks?.close();
  }
}
