import { escapeKey } from '../../domain/object/key.ts';
import { type Storage, StorageError } from '../../ports/storage.ts';
import { headOrMissing } from '../observe-object.ts';

/**
 * A part of a source in which nothing is, nowhere and by nobody's word: whoever asks for it has slipped, and would take "nothing to
 * do" for "all is well" (docs/sync.md, "Guards"). The whole of a source may be empty.
 */
export async function nothingBelow(source: Storage, prefix: string): Promise<StorageError> {
  const key = prefix.replace(/\/$/, '');
  const path = escapeKey(key);
  if ((await headOrMissing(() => source.head(key)).catch(() => undefined)) !== undefined)
    return new StorageError(
      'not-found',
      { store: source.name },
      `${path} is an object, and nothing is below it: leave out the / behind it`,
    );
  const why = `there is nothing below ${path}, neither here nor at the targets, and nothing is known of it`;
  return new StorageError('not-found', { store: source.name }, why);
}
