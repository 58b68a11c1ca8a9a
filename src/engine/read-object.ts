import { isByteRange } from '../domain/transfer/byte-range.ts';
import { effectiveConsistency, type KnownObject, locateObject } from './locate-object.ts';
import { ObjectError } from './object-error.ts';
import type { ObjectRead, ReadArguments, ReadPorts } from './object-read.ts';
import { readAnything, readByMark } from './read-found.ts';
import { readVersion } from './read-version.ts';

/** The object got a new current version while it was being read, so often that something is wrong. */
const ROUNDS_MAX = 5;

/**
 * Reads an object, or a range of it, from the nearest good copy (docs/reading.md).
 *
 * A known hit is one request. Stores without the version are noted and filled later; the caller does not wait for that.
 * Fails with `ObjectError`.
 */
export async function readObject(ports: ReadPorts, args: ReadArguments): Promise<ObjectRead> {
  const { scope, name, range } = args;
  if (range !== undefined && !isByteRange(range))
    throw new RangeError(`not a range of bytes: ${JSON.stringify(range)}`);
  let hasLooked = false;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const located = await locateObject(ports, args);
    if (located.kind === 'unvalidated') return readByMark(ports, args, located.why);
    if (located.kind === 'anything') return readAnything(ports, args, undefined);
    try {
      const read = await readKnown(ports, args, located.row);
      if (read !== undefined) return read;
    } catch (error) {
      // It is known by now which copies are not as they were recorded, as after a restore of their store: their bytes are looked at.
      if (hasLooked || !(error instanceof ObjectError) || error.kind !== 'changed') throw error;
      hasLooked = true;
    }
  }
  throw new ObjectError('changed', { scope: scope.name, name }, `it changed ${ROUNDS_MAX} times while it was read`);
}

/** Undefined: the object has another current version by now. */
async function readKnown(ports: ReadPorts, args: ReadArguments, row: KnownObject): Promise<ObjectRead | undefined> {
  if (effectiveConsistency(args) !== 'any') return readVersion(ports, args, row);
  try {
    return await readVersion(ports, args, row);
  } catch (error) {
    if (!(error instanceof ObjectError) || error.kind === 'aborted') throw error;
    return readAnything(ports, args, { row, error });
  }
}
