import type { Catalog, NewRequest, ObjectRecord } from '../ports/catalog.ts';
import { type Head, type Published, type Staged, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { softPlaces } from './flush-soft.ts';
import { hashStored } from './hash-stored.ts';
import { HashingBody } from './hashing-body.ts';
import type { KnownObject } from './locate-object.ts';
import { attributesOf } from './object-content.ts';
import type { ReadPorts } from './object-read.ts';
import { headOrMissing, replacedAt } from './observe-object.ts';
import type { OpenedScope } from './opened-scope.ts';
import { readVersion } from './read-version.ts';
import { takeBack } from './take-back.ts';
import { storageAt } from './scope-stores.ts';

export interface CopyReplica {
  readonly scope: OpenedScope;
  readonly request: Pick<NewRequest, 'name' | 'versionId' | 'store'>;
  /** Asked directly before publishing: whether this copy is still ours to make. */
  readonly isStillOurs: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

/** `moot`: the object changed or was deleted, or the profile does not name the store any more: nothing is left of the copy. */
export type CopyReplicaOutcome = 'copied' | 'moot' | 'lost-lease';

/**
 * Brings the version of a request to its store (docs/reading.md, "Upload on miss"):
 *
 *     look at the target ── read from a good copy, verify ── stage ── flush ── ask lease and catalog ── publish ── record ── ask again
 *
 * The bytes come from a store. It publishes only over what it saw at the target, and where the object went on meanwhile it takes
 * away what it published, if it is still its own. Fails with `StorageError` or `ObjectError`.
 */
export async function copyReplica(ports: ReadPorts, args: CopyReplica): Promise<CopyReplicaOutcome> {
  const { scope, request, signal } = args;
  const target = storageAt(scope, request.store);
  const row = await findWanted(ports.catalog, args);
  if (target === undefined || row === undefined) return 'moot';
  const present = row.replicas.find((one) => one.store === request.store && one.versionId === request.versionId);
  if (present?.state === 'AVAILABLE') return 'copied';

  const question = { storage: target, key: request.name, deadlineMs: scope.deadlineMs, signal };
  const head = await headOrMissing(() =>
    askStore(ports, question, (aborted) => target.head(request.name, { signal: aborted })),
  );
  if (head !== undefined && (await isAlreadyThere(ports, args, target, row, head))) {
    await recordCopy(ports, args, row, { token: head.token, verification: 'read-back' }, row.current.content.sha256);
    return keepOrUndo(ports, args, target, head.token, head.mark?.operation ?? row.current.operation);
  }

  const read = await readVersion(
    ports,
    { scope, name: request.name, except: [request.store], backfill: false, signal },
    row,
  );
  if (read === undefined) return 'moot';
  const body = new HashingBody(read.body);
  const staged = await stage(target, row, body, request.name, signal);
  const published = await publishIfWanted(ports, args, { target, staged, body, head });
  if (typeof published === 'string') return published;
  await recordCopy(ports, args, row, published, body.sha256);
  return keepOrUndo(ports, args, target, published.token, row.current.operation);
}

async function findWanted(
  catalog: Pick<Catalog, 'readObject'>,
  { scope, request }: CopyReplica,
): Promise<KnownObject | undefined> {
  const row = await catalog.readObject(scope.name, request.name);
  if (row?.current.id !== request.versionId || row.current.content.kind === 'tombstone') return undefined;
  return row as KnownObject;
}

/** The very bytes lie there already: a copy that was published and not recorded, or one under a new token. */
async function isAlreadyThere(
  ports: ReadPorts,
  { scope, request, signal }: CopyReplica,
  storage: Storage,
  { current }: KnownObject,
  head: Head,
): Promise<boolean> {
  const { sha256, size } = current.content;
  if (sha256 === undefined || head.size !== size || head.mark?.sha256 !== sha256) return false;
  try {
    const question = { storage, key: request.name, deadlineMs: scope.deadlineMs, signal };
    return (await hashStored(ports, question, head)) === sha256;
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'corrupt') return false;
    throw error;
  }
}

async function stage(
  target: Storage,
  { current }: KnownObject,
  body: HashingBody,
  key: string,
  signal: AbortSignal,
): Promise<Staged> {
  const { sha256, size } = current.content;
  const mark = { operation: current.operation, sha256 };
  try {
    return await target.stage(key, body.body, { attributes: attributesOf(current.content), mark, size, signal });
  } catch (error) {
    throw body.failure ?? error;
  }
}

interface ToPublish {
  readonly target: Storage;
  readonly staged: Staged;
  readonly body: HashingBody;
  /** What the target was seen to hold. */
  readonly head: Head | undefined;
}

async function publishIfWanted(
  ports: ReadPorts,
  args: CopyReplica,
  { target, staged, body, head }: ToPublish,
): Promise<Published | 'moot' | 'lost-lease'> {
  let isOurs = true;
  try {
    await target.flush([staged]);
    if (!(await args.isStillOurs())) return 'lost-lease';
    const row = await findWanted(ports.catalog, args);
    if (row === undefined) return 'moot';
    isOurs = false;
    const condition = head === undefined ? { ifAbsent: true } : { ifToken: head.token };
    const mark = { operation: row.current.operation, sha256: body.sha256 };
    const [published] = await target.publish([{ staged, options: { ...condition, mark } }]);
    if (published === undefined) throw new Error(`${target.name} gave no answer for what it was to publish`);
    if (published instanceof StorageError) throw published;
    return published;
  } finally {
    if (isOurs) await target.discard([staged]).catch(() => undefined);
  }
}

async function recordCopy(
  { catalog }: ReadPorts,
  { scope, request }: CopyReplica,
  row: ObjectRecord,
  { token, verification }: Published,
  sha256: string | undefined,
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

/** A late copy is undone: of a deleted object it must not stay (I5), of an older version nobody would read it. */
async function keepOrUndo(
  { catalog }: ReadPorts,
  args: CopyReplica,
  target: Storage,
  token: string,
  operation: string,
): Promise<CopyReplicaOutcome> {
  if ((await findWanted(catalog, args)) !== undefined) return 'copied';
  const { name, versionId, store } = args.request;
  await takeBack(target, { key: name, token, operation });
  await catalog.record({ replicas: [{ scope: args.scope.name, name, versionId, store, to: 'drop' }] });
  return 'moot';
}
