import { escapeKey, findKeyProblem } from '../domain/object/key.ts';
import { StorageError } from '../ports/storage.ts';

/** Refuses a key before it becomes a path or a URL (I10). */
export function checkKey(store: string, key: string): void {
  const problem = findKeyProblem(key);
  if (problem === undefined) return;
  throw new StorageError('invalid-key', { store, key: escapeKey(key.slice(0, 200)) }, `the key is refused: ${problem}`);
}
