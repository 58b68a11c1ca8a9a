import { type Storage, StorageError } from '../ports/storage.ts';

/** What was published: where, the token it was given, the operation it is marked with. */
export interface PublishedCopy {
  readonly key: string;
  readonly token: string;
  readonly operation: string;
}

/**
 * Removes what was published, if it is still there: equal tokens are equal bytes, and at some stores no more (docs/stores.md,
 * "Tokens"), so the same bytes may be somebody else's by now. The mark tells whose they are. Fails as the store fails.
 */
export async function takeBack(storage: Storage, { key, token, operation }: PublishedCopy): Promise<void> {
  try {
    const head = await storage.head(key);
    if (head.token === token && head.mark?.operation === operation) await storage.delete(key, { ifToken: token });
  } catch (error) {
    if (!(error instanceof StorageError) || !GONE.has(error.kind)) throw error;
  }
}

/** It is not there any more, or not the same. */
const GONE: ReadonlySet<string> = new Set(['not-found', 'precondition-failed', 'changed']);
