import { escapeKey } from '../domain/object/key.ts';
import type { Catalog } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/events.ts';
import type { Processes } from '../ports/processes.ts';
import type { Random } from '../ports/random.ts';
import type { Telling } from '../ports/telling.ts';
import { type CarriedOut, type CarryOutRequests, carryOutRequests } from './carry-out-requests.ts';
import { type CopyArguments, copyObject } from './copy-object.ts';
import { type DeleteArguments, deleteObject, type DeleteResult } from './delete-object.ts';
import { ObjectGlob } from './glob-objects.ts';
import { inspectObject, type ObjectInfo, objectExists } from './inspect-object.ts';
import { LaterRecords } from './later-records.ts';
import { type ListArguments, ObjectListing } from './list-objects.ts';
import type { Locate } from './locate-object.ts';
import type { ObjectRead, ReadArguments } from './object-read.ts';
import { type ObjectHandle, openObject } from './open-object.ts';
import type { OpenedScope } from './opened-scope.ts';
import { OperationIds } from './operation-ids.ts';
import { ObjectError } from './object-error.ts';
import { readObject } from './read-object.ts';
import { type PinnedVersion, readPinned } from './read-version.ts';
import { type Recovered, recoverIntents } from './recover-intents.ts';
import { applyDefaultPolicy, type DefaultPolicies } from './rules/default-policies.ts';
import { StoreHealth } from './store-health.ts';
import type { Stores } from './stores/store-access.ts';
import { type WriteArguments, writeObject, type WriteResult } from './write-object.ts';

/** What a process needs to work on objects. */
export interface ObjectPorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly random: Random;
  readonly processes: Processes;
  readonly events: EventSink;
  /** For what is written under the default policy; absent: it is on nowhere. */
  readonly stores?: Stores;
  readonly defaults?: DefaultPolicies;
  readonly telling?: Telling | undefined;
}

/** The verbs on objects, of one process: they share what it knows of its stores' health. */
export interface ObjectVerbs {
  read(args: ReadArguments): Promise<ObjectRead>;
  /** A version of an object, current or not, from whoever has it. */
  readKept(args: ReadArguments, version: PinnedVersion): Promise<ObjectRead>;
  open(args: Locate): Promise<ObjectHandle>;
  inspect(args: Locate): Promise<ObjectInfo>;
  exists(args: Locate): Promise<boolean>;
  list(args: ListArguments): ObjectListing;
  glob(args: Omit<ListArguments, 'prefix'> & { readonly pattern: string }): ObjectGlob;
  write(args: WriteArguments): Promise<WriteResult>;
  copy(args: CopyArguments): Promise<WriteResult>;
  delete(args: DeleteArguments): Promise<DeleteResult>;
  carryOut(args: CarryOutRequests): Promise<CarriedOut>;
  recover(scopes: readonly OpenedScope[]): Promise<Recovered>;
  /** How many requests the verbs of this process caused so far: more than before means that there is work. */
  readonly requestCount: number;
  /** What reads noted in passing (misses, hashes learnt) is in the catalog. */
  settle(): Promise<void>;
}

export function bindObjectVerbs(given: ObjectPorts): ObjectVerbs {
  const ports = {
    ...given,
    health: new StoreHealth(given.clock),
    operations: new OperationIds(given.clock, given.random),
    later: new LaterRecords(given.catalog, given.events),
  };
  let changes = 0;
  return {
    get requestCount() {
      return changes + ports.later.requestCount;
    },
    async read(args) {
      const read = await readObject(ports, args);
      given.telling?.debug?.('read', {
        object: `${args.scope.name}:${escapeKey(args.name)}`,
        from: read.servedBy,
        passed_over: read.plan?.rejections.map(({ store, why }) => `${store} (${why})`).join(', ') || undefined,
      });
      return read;
    },
    async readKept(args, version) {
      const { scope, name } = args;
      const row = await ports.catalog.readObject(scope.name, name);
      if (row === undefined) throw new ObjectError('not-found', { scope: scope.name, name }, 'not found');
      return readPinned(ports, args, row, version);
    },
    open: (args) => openObject(ports, args),
    inspect: (args) => inspectObject(ports, args),
    exists: (args) => objectExists(ports, args),
    list: (args) => new ObjectListing(ports, args),
    glob: (args) => new ObjectGlob(ports, args),
    async write(args) {
      const written = await writeObject(ports, args).finally(() => void changes++);
      await heedDefaultPolicy(given, args, written);
      return written;
    },
    async copy(args) {
      const written = await copyObject(ports, args).finally(() => void changes++);
      await heedDefaultPolicy(given, args.to, written);
      return written;
    },
    delete: (args) => deleteObject(ports, args).finally(() => void changes++),
    carryOut: (args) => carryOutRequests(ports, args),
    recover: (scopes) => recoverIntents(ports, scopes),
    settle: () => ports.later.drain(),
  };
}

/** What was written is there whatever becomes of this, so a failure is told as an event. A repeat mends what a crash left out. */
async function heedDefaultPolicy(
  { catalog, events, stores, defaults }: ObjectPorts,
  { scope, name }: { readonly scope: OpenedScope; readonly name: string },
  { size: bytes }: WriteResult,
): Promise<void> {
  if (stores === undefined || defaults === undefined) return;
  try {
    await applyDefaultPolicy({ catalog, stores, defaults }, { scope: scope.name, name, bytes });
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    events.report({ kind: 'default-policy-not-applied', scope: scope.name, name, detail });
  }
}
