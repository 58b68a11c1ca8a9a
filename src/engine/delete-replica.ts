import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import type { Replica } from '../domain/replica/replica.ts';
import type { Catalog, ObjectRecord } from '../ports/catalog.ts';
import { type Head, type Mark, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import { lockObject, type LockPorts } from './object-lock.ts';
import { headOrMissing } from './observe-object.ts';
import { hasSource, type ObjectScope, type OpenedScope } from './opened-scope.ts';
import type { OperationIds } from './operation-ids.ts';
import { openStoreAt, roleOf } from './scope-stores.ts';

export interface DeleteReplicaPorts extends LockPorts {
  readonly catalog: LockPorts['catalog'] & Pick<Catalog, 'readMarks' | 'readContents' | 'isCopyInHand' | 'readPlaces'>;
  readonly operations: OperationIds;
}

export interface ReplicaToDelete {
  readonly scope: ObjectScope;
  readonly name: string;
  readonly versionId: number;
  /** Place of its store. */
  readonly store: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * - `gone`: the store does not have these bytes (any more), and the catalog knows.
 * - `not-due`: the catalog, asked directly before, does not want it deleted any more.
 * - `left`: other bytes lie there, or another object's too, which nobody asked to delete.
 */
export type DeleteReplicaOutcome = 'gone' | 'not-due' | 'left';

/**
 * Deletes the bytes of one replica that is on its way out. The catalog is asked again first, and the store is told which bytes are
 * meant. At the source the object's write lock is held, so that a delete never meets a write between its look and its act.
 * Fails with `StorageError`; then nothing is known to be gone, and it may be tried again.
 */
export async function deleteReplica(ports: DeleteReplicaPorts, args: ReplicaToDelete): Promise<DeleteReplicaOutcome> {
  const { scope, store } = args;
  const due = await findDue(ports, args);
  if (due === undefined) return 'not-due';
  const storage = await openStoreAt(scope, store);
  if (storage === undefined) throw new StorageError('unavailable', { store, key: args.name }, UNREACHABLE);
  const closed = scope.availability?.whyNot(store, 'delete', due.replica.place);
  if (closed !== undefined) throw new StorageError('unavailable', { store: storage.name, key: args.name }, closed);
  if (!hasSource(scope) || roleOf(scope, store) === 'replica') return deleteAsked(ports, args, storage);

  const operation = await lockSource(ports, { ...args, scope });
  try {
    return await deleteAsked(ports, args, storage);
  } finally {
    await ports.catalog.removeIntent(operation);
  }
}

const UNREACHABLE = 'no profile says how to reach this store: give it one in the configuration';

async function lockSource(
  ports: DeleteReplicaPorts,
  { scope, name, signal }: ReplicaToDelete & { readonly scope: OpenedScope },
): Promise<string> {
  const { clock, processes, operations } = ports;
  const operation = operations.next();
  const lock = { operation, scope: scope.name, name, store: scope.source.place, key: name };
  const intent = { ...lock, oldToken: undefined, follows: undefined, content: { kind: 'tombstone' } as const };
  await lockObject(ports, scope, { ...intent, holder: processes.self, createdMs: clock.nowMs() }, signal);
  return operation;
}

async function findDue(
  { catalog }: Pick<DeleteReplicaPorts, 'catalog'>,
  { scope, name, versionId, store }: ReplicaToDelete,
): Promise<{ readonly row: ObjectRecord; readonly replica: Replica } | undefined> {
  const row = await catalog.readObject(scope.name, name);
  const replica = row?.replicas.find((one) => one.versionId === versionId && one.store === store);
  return row === undefined || replica?.state !== 'BEING_DELETED' ? undefined : { row, replica };
}

async function deleteAsked(
  ports: DeleteReplicaPorts,
  args: ReplicaToDelete,
  storage: Storage,
): Promise<DeleteReplicaOutcome> {
  const due = await findDue(ports, args);
  if (due === undefined) return 'not-due';
  await awaitCopier(ports, args);
  const { row, replica } = due;
  const other = isSharedBy(row, replica) ?? (await findSharer(ports, args, replica));
  const deleted =
    other === undefined &&
    ((replica.token !== undefined && (await deleteExactly(ports, args, storage, replica.place, replica.token))) ||
      (await deleteAfterLook(ports, args, storage, row, replica)));
  const { store, versionId } = replica;
  const { name, scope } = args;
  await ports.catalog.record({
    replicas: [{ scope: scope.name, name, versionId, store, to: 'drop' }],
    events: deleted
      ? []
      : [
          {
            kind: 'delete-left-other-bytes',
            scope: scope.name,
            name,
            store,
            detail: other ?? 'it holds bytes that nobody asked to delete',
          },
        ],
  });
  return deleted ? 'gone' : 'left';
}

/** One write that two sites were asked for is two versions, whose bytes lie at one place of a site's own store. */
function isSharedBy({ replicas }: ObjectRecord, { store, place, token, versionId }: Replica): string | undefined {
  const isShared = replicas.some(
    (one) =>
      one.versionId !== versionId &&
      one.state === 'AVAILABLE' &&
      one.store === store &&
      one.place === place &&
      one.token === token,
  );
  return isShared ? 'it is the copy of another version of the object as well' : undefined;
}

/**
 * Whose copy the bytes are too, in a catalog from before a place was one object's: they stay for that one. Profiles with one place that
 * nobody else puts copies in share their files, and a delete by one of these is meant.
 */
async function findSharer(
  { catalog }: DeleteReplicaPorts,
  { scope, name }: ReplicaToDelete,
  { store, place }: Replica,
): Promise<string | undefined> {
  const [owners = []] = await catalog.readPlaces(store, [place]);
  const isOwn = (owner: ObjectName): boolean => owner.scope === scope.name && owner.name === name;
  const isPlaced = owners.some((owner) => isOwn(owner) && owner.isPlaced);
  const other = owners.find((owner) => !isOwn(owner) && (isPlaced || owner.isPlaced));
  return other === undefined ? undefined : `it is the copy of ${formatObjectName(other)} as well`;
}

/** How long a delete waits for who may still publish the same copy, before it is put off. */
const COPIER_WAIT_MS = 2_000;
const COPIER_POLL_MS = 100;

/** What is published after the look would be nobody's. Who copies was told that nobody wants it, and takes back what he published. */
async function awaitCopier({ catalog, clock }: DeleteReplicaPorts, args: ReplicaToDelete): Promise<void> {
  const { store, name, versionId, signal } = args;
  const giveUpMs = clock.monotonicMs() + COPIER_WAIT_MS;
  while (await catalog.isCopyInHand({ versionId, store })) {
    if (clock.monotonicMs() >= giveUpMs)
      throw new StorageError('changed', { store, key: name }, 'a worker is still about to leave its copy of it');
    await clock.sleep(COPIER_POLL_MS, signal);
  }
}

/** False: other bytes lie there. */
async function deleteExactly(
  ports: DeleteReplicaPorts,
  { scope, signal }: ReplicaToDelete,
  storage: Storage,
  key: string,
  ifToken: string,
): Promise<boolean> {
  try {
    await askStore(ports, { storage, key, deadlineMs: scope.deadlineMs, signal }, (aborted) =>
      storage.delete(key, { ifToken, signal: aborted }),
    );
    return true;
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') return true;
    if (error instanceof StorageError && error.kind === 'precondition-failed') return false;
    throw error;
  }
}

/**
 * Other bytes than recorded. While the object is still deleted, a copy that proves by its mark that it was made before the delete
 * goes too: a late copy, or the old one under a new token. Where none were recorded, so does what a worker left that stopped before
 * it could tell: this very version; and what came to a source that was moved. Everything else is somebody's, and stays.
 */
async function deleteAfterLook(
  ports: DeleteReplicaPorts,
  args: ReplicaToDelete,
  storage: Storage,
  row: ObjectRecord,
  replica: Replica,
): Promise<boolean> {
  const { place } = replica;
  const question = { storage, key: place, deadlineMs: args.scope.deadlineMs, signal: args.signal };
  const head = await headOrMissing(() =>
    askStore(ports, question, (aborted) => storage.head(place, { signal: aborted })),
  );
  if (head === undefined) return true;
  const expected = (await findMarked(ports, row, replica, head)) ?? (await findMoved(ports, args, row, replica, head));
  if (expected === undefined) return false;
  if (expected !== 'as-listed' && (await hashStored(ports, question, head)) !== expected) return false;
  return deleteExactly(ports, args, storage, place, head.token);
}

/** The hash its mark tells, where the mark is one of what is to go. */
async function findMarked(
  ports: Pick<DeleteReplicaPorts, 'catalog'>,
  { current }: ObjectRecord,
  { token, versionId }: Replica,
  { mark }: Head,
): Promise<string | undefined> {
  if (mark?.sha256 === undefined) return undefined;
  const isOld = current.content.kind === 'tombstone' && mark.operation < current.operation;
  return isOld || (token === undefined && (await isMarkOf(ports, mark, versionId))) ? mark.sha256 : undefined;
}

/**
 * At a source that was moved the bytes lie under a token nobody has seen, and need no mark. The hash they must have; `as-listed`: none is
 * known, and size and time are those of the version, which is what a sync goes by.
 */
async function findMoved(
  { catalog }: Pick<DeleteReplicaPorts, 'catalog'>,
  { scope, store }: ReplicaToDelete,
  { current }: ObjectRecord,
  { token, versionId }: Replica,
  { size, modifiedNs }: Head,
): Promise<string | undefined> {
  const isMoved = token === undefined && current.content.kind === 'tombstone' && roleOf(scope, store) === 'source';
  const [content] = isMoved ? await catalog.readContents([versionId]) : [];
  if (content?.kind !== 'object' || content.size !== size) return undefined;
  if (content.sha256 !== undefined) return content.sha256;
  return modifiedNs !== undefined && modifiedNs === content.modifiedNs ? 'as-listed' : undefined;
}

async function isMarkOf(
  { catalog }: Pick<DeleteReplicaPorts, 'catalog'>,
  mark: Mark,
  versionId: number,
): Promise<boolean> {
  const [own] = await catalog.readMarks([versionId]);
  return own?.operation === mark.operation && own.sha256 === mark.sha256;
}
