import { escapeKey, findStoredKeyProblem } from '../domain/object/key.ts';
import { StorageError } from '../ports/storage.ts';

/** Of a copy, its source and its targets are asked for one key, one after the other. */
let checkedLast: string | undefined;

/** Refuses a key before it becomes a path or a URL (I10). What was set aside lies in Pando's own directory, and has keys all the same. */
export function checkKey(store: string, key: string): void {
  if (key === checkedLast) return;
  const problem = findStoredKeyProblem(key);
  if (problem === undefined) {
    checkedLast = key;
    return;
  }
  throw new StorageError('invalid-key', { store, key: escapeKey(key.slice(0, 200)) }, `the key is refused: ${problem}`);
}
