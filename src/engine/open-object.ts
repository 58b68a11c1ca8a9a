import type { ObjectName } from '../domain/object/object-name.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import type { ByteRange } from '../domain/transfer/byte-range.ts';
import { type Locate, locateObject } from './locate-object.ts';
import { ObjectError } from './object-error.ts';
import type { ObjectRead, ReadPorts } from './object-read.ts';
import { readPinned } from './read-version.ts';

/** Random access to one version of an object. It stays that version, whatever is written meanwhile, or fails with `changed`. */
export interface ObjectHandle {
  readonly version: string;
  readonly content: ObjectContent;
  /** The bytes of a range, from the nearest good copy. */
  read(range?: ByteRange, signal?: AbortSignal): Promise<ObjectRead>;
}

/** Opens an object for random access. Nothing is read, and nothing is held, until the handle is asked. Fails with `ObjectError`. */
export async function openObject(ports: ReadPorts, args: Locate): Promise<ObjectHandle> {
  const { scope, name, signal: outer } = args;
  const object: ObjectName = { scope: scope.name, name };
  const located = await locateObject(ports, args);
  if (located.kind !== 'known')
    throw new ObjectError(
      'unavailable',
      object,
      'the catalog does not know it, and the source cannot be asked: there is no version to stay with',
    );
  const pinned = located.row.current;

  const read = async (range?: ByteRange, signal = outer): Promise<ObjectRead> => {
    const row = (await ports.catalog.readObject(scope.name, name)) ?? located.row;
    try {
      return await readPinned(ports, { scope, name, range, signal }, row, pinned);
    } catch (error) {
      const isGone = row.current.id !== pinned.id && error instanceof ObjectError && error.kind !== 'aborted';
      if (!isGone) throw error;
      throw new ObjectError(
        'changed',
        object,
        'it was written anew since it was opened, and no store has the opened version',
        {
          attempts: error.attempts,
          cause: error,
        },
      );
    }
  };
  return { version: pinned.operation, content: pinned.content, read };
}
