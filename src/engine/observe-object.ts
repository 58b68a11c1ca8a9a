import { type Finding, judgeBytes, stateAfterFinding } from '../domain/replica/observation.ts';
import type { Replica } from '../domain/replica/replica.ts';
import type { Catalog, ChangeOutcome, ObjectRecord, ReplicaChange } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/events.ts';
import { type Head, type Storage, StorageError } from '../ports/storage.ts';
import type { Telling } from '../ports/telling.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import { atSource, findCopiesOfOthers, type OtherCopy } from './copies-of-others.ts';
import { contentOf } from './object-content.ts';
import type { ObjectScope, OpenedScope } from './opened-scope.ts';
import type { OperationIds } from './operation-ids.ts';
import { roleOf } from './scope-stores.ts';
import type { StoreHealth } from './store-health.ts';

export interface ObservePorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'record' | 'listNearby' | 'readPlaces'>;
  readonly clock: Clock;
  readonly health: StoreHealth;
  readonly operations: OperationIds;
  readonly events: EventSink;
  readonly telling?: Telling | undefined;
}

export interface ObserveSource {
  readonly scope: OpenedScope;
  readonly name: string;
  /** What the catalog says; undefined: nothing. */
  readonly row: ObjectRecord | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The source is written to while it is being hashed; somebody writes faster than we can read. */
const LOOKS_MAX = 3;

/**
 * Looks at the source and brings the catalog up to what lies there (docs/versions.md, "Observations"): bytes never seen before
 * become an unverified version, other bytes a version that follows the known one, the same bytes under another token refresh it. What a rule
 * or an upload put there for another object is none of the scope's.
 * Gives the row as it is afterwards; undefined when the source does not have the object. Fails as the store fails.
 */
export async function observeSource(ports: ObservePorts, args: ObserveSource): Promise<ObjectRecord | undefined> {
  for (let look = 1; ; look++) {
    try {
      return await observeOnce(ports, args);
    } catch (error) {
      const moved = error instanceof StorageError && (error.kind === 'precondition-failed' || error.kind === 'changed');
      if (!moved || look === LOOKS_MAX) throw error;
    }
  }
}

async function observeOnce(ports: ObservePorts, args: ObserveSource): Promise<ObjectRecord | undefined> {
  const { scope, name, row, signal } = args;
  const question = { storage: scope.source, key: name, deadlineMs: scope.deadlineMs, signal };
  const head = await headOrMissing(() =>
    askStore(ports, question, (aborted) => scope.source.head(name, { signal: aborted })),
  );
  const replica = row && replicaAt(row, scope.source);
  if (head === undefined) {
    if (row !== undefined && replica !== undefined)
      await recordFinding(ports, scope, row, replica, 'missing', 'the source does not have it');
    return undefined;
  }
  if (!isRecordedAt(row, scope.source) && (await findOther(ports, args)) !== undefined) return row;
  if (row === undefined) return recordFirstSight(ports, args, head);
  if (isAsRecorded(row, scope.source, head.token)) return row;

  const sha256 = await hashStored(ports, question, head);
  if (isDeletedVersion(row, head, sha256)) return row;
  const known =
    row.current.content.kind === 'object' ? { token: replica?.token, sha256: row.current.content.sha256 } : undefined;
  const observation = known === undefined ? 'changed' : judgeBytes(known, { token: head.token, sha256 });
  switch (observation) {
    case 'same':
    case 'learnt':
      await ports.catalog.record({ replicas: [verifiedAt(row, scope.source, head.token, sha256)] });
      break;
    case 'rotted':
      if (replica !== undefined)
        await recordFinding(ports, scope, row, replica, 'wrong-bytes', 'other bytes under the same token');
      break;
    case 'changed':
      await recordChanged(ports, args, row, head, sha256);
  }
  return ports.catalog.readObject(scope.name, name);
}

/** Of any version. */
function isRecordedAt(row: ObjectRecord | undefined, { place }: Pick<Storage, 'place'>): boolean {
  return row?.replicas.some(({ store }) => store === place) === true;
}

/** The copy of another object, or the file of another store, that lies where this one would. */
export async function findOther(
  { catalog }: Pick<ObservePorts, 'catalog'>,
  { scope, name }: Pick<ObserveSource, 'scope' | 'name'>,
): Promise<OtherCopy | undefined> {
  return (await findCopiesOfOthers(catalog, atSource(scope), [name])).get(name);
}

/** Records what a read found wrong at a store. The read goes on whether or not the catalog could be told. */
export async function recordFinding(
  { catalog, events }: { readonly catalog: Pick<Catalog, 'record'>; readonly events: EventSink },
  scope: ObjectScope,
  row: { readonly name: string; readonly current?: unknown },
  replica: Replica,
  finding: Finding,
  detail: string,
): Promise<void> {
  const state = stateAfterFinding(finding, roleOf(scope, replica.store));
  if (replica.state === state) return;
  const { store, versionId, place, token, verification } = replica;
  const change: ReplicaChange = {
    scope: scope.name,
    name: row.name,
    versionId,
    store,
    to: state === 'drop' ? 'drop' : { state, place, token, verification },
    ...(token === undefined ? {} : { ifToken: token }),
  };
  const event = { kind: EVENTS[finding], scope: scope.name, name: row.name, store, detail };
  try {
    await catalog.record({ replicas: [change], events: [event] });
  } catch (error) {
    events.report({ ...event, detail: `${detail}; not recorded: ${String(error)}` });
  }
}

const EVENTS: Record<Finding, string> = {
  'other-token': 'replica-found-changed',
  'wrong-bytes': 'replica-found-corrupt',
  'wrong-length': 'replica-found-corrupt',
  'part-of-wrong-bytes': 'replica-found-doubtful',
  missing: 'replica-found-missing',
};

/** The replica of the current version at a store. */
function replicaAt(row: ObjectRecord, storage: Pick<Storage, 'place'>): Replica | undefined {
  return row.replicas.find(({ store, versionId }) => store === storage.place && versionId === row.current.id);
}

/** Replicas of other versions that lay where new bytes lie now: those bytes are gone. */
export function replacedAt(
  row: ObjectRecord | undefined,
  scope: string,
  store: string,
  place: string,
  by: number | undefined,
): ReplicaChange[] {
  const replaced =
    row?.replicas.filter((one) => one.store === store && one.place === place && one.versionId !== by) ?? [];
  return replaced.map(({ versionId }) => ({ scope, name: row?.name ?? place, versionId, store, to: 'drop' }));
}

/** The store's answer, or undefined where it says that there is nothing. */
export async function headOrMissing(ask: () => Promise<Head>): Promise<Head | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StorageError && error.kind === 'not-found') return undefined;
    throw error;
  }
}

/**
 * Nothing to look at: the token is the recorded one of bytes that may be served, or of bytes on their way out. Of the latter none may be
 * known, after the source was moved: then only their delete can tell.
 */
function isAsRecorded(row: ObjectRecord, source: Storage, token: string): boolean {
  if (row.current.content.kind === 'tombstone')
    return row.replicas.some(
      (one) =>
        one.store === source.place && one.state === 'BEING_DELETED' && (one.token === token || one.token === undefined),
    );
  const replica = replicaAt(row, source);
  return replica?.token === token && (replica.state === 'AVAILABLE' || replica.state === 'UNVERIFIED');
}

function verifiedAt(row: ObjectRecord, source: Storage, token: string, sha256: string): ReplicaChange {
  const to = { state: 'AVAILABLE', place: row.name, token, verification: 'read-back' } as const;
  return { scope: row.scope, name: row.name, versionId: row.current.id, store: source.place, to, sha256 };
}

async function recordFirstSight(
  ports: ObservePorts,
  { scope, name }: ObserveSource,
  head: Head,
): Promise<ObjectRecord | undefined> {
  await ports.catalog.record({
    changes: [
      {
        scope: scope.name,
        name,
        follows: undefined,
        content: contentOf(head, undefined),
        operation: ports.operations.next(),
        replicas: [
          { store: scope.source.place, state: 'UNVERIFIED', place: name, token: head.token, verification: 'none' },
        ],
      },
    ],
  });
  return ports.catalog.readObject(scope.name, name);
}

/** A copy of what was deleted, made before it was: a late writer's, or out of a backup. It is not the object come back (I5). */
function isDeletedVersion({ current }: ObjectRecord, { mark }: Head, sha256: string): boolean {
  return current.content.kind === 'tombstone' && mark?.sha256 === sha256 && mark.operation < current.operation;
}

/**
 * Other bytes at the source. Bytes whose own mark fits them keep their identity: a write of another process that is between
 * publishing and recording, or of another catalog. Where that version was the object's before, this is a new one all the same:
 * the source has gone back to it.
 */
async function recordChanged(
  ports: ObservePorts,
  args: ObserveSource,
  row: ObjectRecord,
  head: Head,
  sha256: string,
): Promise<void> {
  const marked = head.mark?.sha256 === sha256 ? head.mark.operation : undefined;
  const outcome = await recordVersion(ports, args, row, head, sha256, marked ?? ports.operations.next());
  if (outcome?.kind === 'repeated' && outcome.versionId < row.current.id)
    await recordVersion(ports, args, row, head, sha256, ports.operations.next());
}

async function recordVersion(
  { catalog }: ObservePorts,
  { scope, name }: ObserveSource,
  row: ObjectRecord,
  head: Head,
  sha256: string,
  operation: string,
): Promise<ChangeOutcome | undefined> {
  const store = scope.source.place;
  const outcome = await catalog.record({
    changes: [
      {
        scope: scope.name,
        name,
        follows: row.current.id,
        content: contentOf(head, sha256),
        operation,
        replicas: [{ store, state: 'AVAILABLE', place: name, token: head.token, verification: 'read-back' }],
      },
    ],
    replicas: replacedAt(row, scope.name, store, name, undefined),
    events: [
      { kind: 'source-changed', scope: scope.name, name, store, detail: 'other bytes, not written through Pando' },
    ],
  });
  return outcome.changes[0];
}
