import type { Catalog, NewRequest, ObjectRecord } from '../ports/catalog.ts';
import type { Storage } from '../ports/storage.ts';
import { type Brought, bringCopy, type NotBrought } from './bring-copy.ts';
import { softPlaces } from './flush-soft.ts';
import type { KnownObject } from './locate-object.ts';
import type { ReadPorts } from './object-read.ts';
import { replacedAt } from './observe-object.ts';
import type { ObjectScope } from './opened-scope.ts';
import { readVersion } from './read-version.ts';
import { storageAt } from './scope-stores.ts';
import { takeBack } from './take-back.ts';

export interface CopyReplica {
  readonly scope: ObjectScope;
  readonly request: Pick<NewRequest, 'name' | 'versionId' | 'store'>;
  /** Asked directly before publishing: whether this copy is still ours to make. */
  readonly isStillOurs: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** `moot`: the object changed or was deleted, or the profile does not name the store any more: nothing is left of the copy. */
export type CopyReplicaOutcome = 'copied' | NotBrought;

/**
 * Brings the version of a request to its store (docs/reading.md, "Upload on miss"), from whichever store of the scope has it, and
 * records it. Where the object went on meanwhile it takes away what it published itself, if it is still its own. Fails with
 * `StorageError` or `ObjectError`.
 */
export async function copyReplica(ports: ReadPorts, args: CopyReplica): Promise<CopyReplicaOutcome> {
  const { scope, request, signal } = args;
  const { name, versionId, store } = request;
  const target = storageAt(scope, store);
  const row = await findWanted(ports.catalog, args);
  if (target === undefined || row === undefined) return 'moot';
  const present = row.replicas.find((one) => one.store === store && one.versionId === versionId);
  if (present?.state === 'AVAILABLE') return 'copied';

  const brought = await bringCopy(ports, {
    target,
    key: name,
    operation: row.current.operation,
    content: row.current.content,
    deadlineMs: scope.deadlineMs,
    signal,
    open: async () => {
      const read = await readVersion(ports, { scope, name, except: [store], backfill: false, signal }, row);
      return read?.body;
    },
    ask: async () => {
      if (!(await args.isStillOurs())) return 'lost-lease';
      await scope.availability?.hear?.();
      const why = scope.availability?.whyNot(store, 'write', name);
      if (why !== undefined) return { kind: 'held-back', why };
      return (await findWanted(ports.catalog, args)) === undefined ? 'moot' : 'go-on';
    },
  });
  if (typeof brought === 'string' || brought.kind === 'held-back') return brought;
  await recordCopy(ports, args, row, brought);
  return keepOrUndo(ports, args, target, brought);
}

async function findWanted(
  catalog: Pick<Catalog, 'readObject'>,
  { scope, request }: CopyReplica,
): Promise<KnownObject | undefined> {
  const row = await catalog.readObject(scope.name, request.name);
  if (row?.current.id !== request.versionId || row.current.content.kind === 'tombstone') return undefined;
  return row as KnownObject;
}

async function recordCopy(
  { catalog }: ReadPorts,
  { scope, request }: CopyReplica,
  row: ObjectRecord,
  { token, verification, sha256 }: Brought,
): Promise<void> {
  const { name, versionId, store } = request;
  const to = { state: 'AVAILABLE', place: name, token, verification } as const;
  await catalog.record({
    soft: softPlaces([storageAt(scope, store)]),
    replicas: [
      ...replacedAt(row, scope.name, store, name, versionId),
      { scope: scope.name, name, versionId, store, to, ...(sha256 === undefined ? {} : { sha256 }) },
    ],
  });
}

/**
 * A late copy is undone: of a deleted object it must not stay (I5), of an older version nobody would read it. What lay there before is
 * left to the delete that was queued as it was recorded, which heeds what is said of the store, or to the newer version's copy.
 */
async function keepOrUndo(
  { catalog }: ReadPorts,
  args: CopyReplica,
  target: Storage,
  { token, operation, isPublished }: Brought,
): Promise<CopyReplicaOutcome> {
  if ((await findWanted(catalog, args)) !== undefined) return 'copied';
  if (!isPublished) return 'moot';
  const { name, versionId, store } = args.request;
  await takeBack(target, { key: name, token, operation });
  await catalog.record({ replicas: [{ scope: args.scope.name, name, versionId, store, to: 'drop' }] });
  return 'moot';
}
