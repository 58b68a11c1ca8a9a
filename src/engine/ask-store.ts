import type { Clock } from '../ports/clock.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { Deadline } from './deadline.ts';
import type { StoreHealth } from './store-health.ts';

export interface Question {
  readonly storage: Storage;
  readonly key: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** One request to one store, under its deadline; how it ended is remembered for the order of the reads that follow. */
export async function askStore<T>(
  { clock, health }: { readonly clock: Clock; readonly health: StoreHealth },
  { storage, key, deadlineMs, signal }: Question,
  ask: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using deadline = new Deadline(clock, deadlineMs, { store: storage.name, key }, signal);
  try {
    const answer = await deadline.within(ask);
    health.answered(storage.place);
    return answer;
  } catch (error) {
    if (error instanceof StorageError) health.failed(storage.place, error);
    throw error;
  }
}
