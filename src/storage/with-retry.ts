import { mayRetry, type RetryPolicy, retryDelayMs } from '../domain/transfer/retry.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { type ListingPage, type ListOptions, type Storage, StorageError } from '../ports/storage.ts';
import { overStorage } from './over-storage.ts';

export interface RetryOptions {
  readonly policy: RetryPolicy;
  readonly clock: Clock;
  readonly random: Random;
  /** Told before each further attempt, after its pause. */
  onRetry?(failure: StorageError, attempt: number): void;
}

/**
 * Tries again what may pass (`isRetryable`), after a pause with full jitter. What cannot be repeated from here is not: a
 * body that was begun to be read, a stage of chunks, a listing after its first page, a publish (its outcome may be
 * unknown, and what failed was discarded), a lease. Adapters repeat the requests of those themselves.
 */
export function withRetry(inner: Storage, options: RetryOptions): Storage {
  const { policy, clock, random } = options;

  async function repeat<T>(attemptOnce: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptOnce();
      } catch (error) {
        if (!(error instanceof StorageError) || !mayRetry(error.kind, attempt, policy)) throw error;
        try {
          await clock.sleep(retryDelayMs(attempt, policy, random.fraction()), signal);
        } catch {
          throw error;
        }
        options.onRetry?.(error, attempt + 1);
      }
    }
  }

  async function* list(prefix: string, listOptions?: ListOptions): AsyncGenerator<ListingPage> {
    const begin = async () => {
      const pages = inner.list(prefix, listOptions)[Symbol.asyncIterator]();
      return { pages, first: await pages.next() };
    };
    const { pages, first } = await repeat(begin, listOptions?.signal);
    try {
      for (let page = first; page.done !== true; page = await pages.next()) yield page.value;
    } finally {
      await pages.return?.();
    }
  }

  return overStorage(inner, {
    get: (key, getOptions) => repeat(() => inner.get(key, getOptions), getOptions?.signal),
    head: (key, headOptions) => repeat(() => inner.head(key, headOptions), headOptions?.signal),
    delete: (key, deleteOptions) => repeat(() => inner.delete(key, deleteOptions), deleteOptions?.signal),
    list,
    stage: (key, body, stageOptions) =>
      body instanceof Uint8Array
        ? repeat(() => inner.stage(key, body, stageOptions), stageOptions.signal)
        : inner.stage(key, body, stageOptions),
    clean: (options) => repeat(() => inner.clean(options), undefined),
  });
}
