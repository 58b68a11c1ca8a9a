import type { ObjectName } from '../../domain/object/object-name.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { KnownObject } from '../locate-object.ts';
import { ObjectError } from '../object-error.ts';
import type { ObjectRead, ReadPorts } from '../object-read.ts';
import { readVersion } from '../read-version.ts';
import type { Stores } from '../stores/store-access.ts';
import { asRead } from './as-read.ts';
import { openDoors } from './source-doors.ts';
import { rankForReader } from './rank-for-reader.ts';

type DownloadPorts = ReadPorts & {
  readonly stores: Stores;
  readonly clientSite: string | undefined;
  readonly random: { fraction(): number };
};

/** The version of an object that is read. */
export interface LocatedObject {
  /** `current` is that version. */
  readonly row: KnownObject;
  readonly content: ObjectContent;
  /** Operation id of the object's version where that is another one, of which no store has ever had the bytes. */
  readonly newer: string | undefined;
}

/** Fails with `ObjectError`. */
async function locateDownload(
  { catalog }: Pick<DownloadPorts, 'catalog'>,
  { scope, name }: ObjectName,
): Promise<LocatedObject> {
  const found = await catalog.readObject(scope, name);
  if (found === undefined) throw new ObjectError('not-found', { scope, name }, 'there is no such object');
  const row = asRead(found);
  const { content } = row.current;
  if (content.kind === 'tombstone') throw new ObjectError('not-found', { scope, name }, 'it was deleted');
  const newer = found.earlier === undefined ? undefined : found.current.operation;
  return { row: row as KnownObject, content, newer };
}

/**
 * The bytes of a located version from `from` on, from the best copy there is; a copy that fails is followed by the next, by the byte
 * where it broke off. Undefined: the object is another one by now. Fails with `ObjectError`, which names every copy and why.
 */
async function openDownload(
  ports: DownloadPorts,
  { row }: LocatedObject,
  { from, signal }: { readonly from: number; readonly signal: AbortSignal | undefined },
): Promise<ObjectRead | undefined> {
  const { stores, clientSite, random } = ports;
  const { scope, name } = row;
  const reader = { clientSite, fraction: random.fraction() };
  const { copies, rejected } = rankForReader(row.replicas, { versionId: row.current.id, stores, reader });
  if (copies.length === 0) {
    const doubted = row.replicas.filter(
      ({ state, versionId }) => state === 'SUSPICIOUS' && versionId === row.current.id,
    );
    const audits = doubted.flatMap(({ store }) => stores.get(store)?.name ?? []).map((one) => `pando audit ${one}`);
    const why = [
      ...rejected.map((one) => `\n  ${one.store}: ${one.why}`),
      ...(audits.length === 0 ? [] : [`\n  ${audits.join(', ')} reads what is in doubt, and says whether it is good`]),
    ].join('');
    throw new ObjectError('unavailable', { scope, name }, `no store has a good copy that can be read from here${why}`);
  }
  const doors = await openDoors(ports, row, copies);
  const range = from === 0 ? undefined : { start: from };
  const args = { scope: doors.scope, name, range, backfill: false, signal };
  return readVersion(doors.ports, args, doors.row as KnownObject);
}

/** The verbs of downloading, of one process. Both fail with `ObjectError`. */
export interface Downloads {
  locate(object: ObjectName): Promise<LocatedObject>;
  open(
    located: LocatedObject,
    options: { readonly from: number; readonly signal: AbortSignal | undefined },
  ): Promise<ObjectRead | undefined>;
}

export function bindDownloads(ports: DownloadPorts): Downloads {
  return {
    locate: (object) => locateDownload(ports, object),
    open: (located, options) => openDownload(ports, located, options),
  };
}
