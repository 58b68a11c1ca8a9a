import type { ObjectRecord } from '../../ports/catalog.ts';

/** The object as a read sees it: with the version before, until its newest one has arrived somewhere. */
export function asRead({ earlier, ...row }: ObjectRecord): ObjectRecord {
  return earlier === undefined ? row : { ...row, current: earlier };
}
