import type { ObjectContent } from '../domain/object/version.ts';
import { type Head, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { effectiveConsistency, type KnownObject, type Locate, locateObject } from './locate-object.ts';
import { contentOf } from './object-content.ts';
import { attemptOf, noSourceServed, ObjectError } from './object-error.ts';
import { mergeAttempts, type ReadPorts } from './object-read.ts';
import { storesInReadOrder } from './scope-stores.ts';
import { VersionSources } from './version-sources.ts';

export interface ObjectInfo {
  readonly scope: string;
  readonly name: string;
  /** The version's operation id; undefined for bytes without a mark. */
  readonly version: string | undefined;
  readonly content: ObjectContent;
  /** Name of the store that confirmed it. */
  readonly servedBy: string;
  /** Nobody could say whether this is the current version. */
  readonly isUnvalidated: boolean;
}

const ROUNDS_MAX = 5;

/**
 * What an object is, confirmed by a store that has it, as a read would find it. *Missing* is said by the source or a tombstone
 * only; otherwise it is unavailable (I9). Fails with `ObjectError`.
 */
export async function inspectObject(ports: ReadPorts, args: Locate): Promise<ObjectInfo> {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const located = await locateObject(ports, args);
    if (located.kind !== 'known')
      return inspectFound(ports, args, located.kind === 'unvalidated' ? located.why : undefined);
    const info = await confirm(ports, args, located.row);
    if (info !== undefined) return info;
  }
  throw new ObjectError(
    'changed',
    { scope: args.scope.name, name: args.name },
    `it changed ${ROUNDS_MAX} times while it was looked at`,
  );
}

export async function objectExists(ports: ReadPorts, args: Locate): Promise<boolean> {
  try {
    await inspectObject(ports, args);
    return true;
  } catch (error) {
    if (error instanceof ObjectError && error.kind === 'not-found') return false;
    throw error;
  }
}

/** Undefined: the object has another current version by now. */
async function confirm(ports: ReadPorts, args: Locate, row: KnownObject): Promise<ObjectInfo | undefined> {
  const { scope, name, signal } = args;
  const { id: versionId, operation, content } = row.current;
  const sources = new VersionSources(ports, { scope, row, versionId, except: [], signal });
  for (let source = await sources.next(); source !== undefined; source = await sources.next()) {
    if (sources.superseded) return undefined;
    const { storage, place, token, verified } = source;
    try {
      const head = await headOf(ports, args, storage, place);
      if (head.token !== token)
        throw new StorageError(
          'precondition-failed',
          { store: storage.name, key: place },
          'it holds other bytes than recorded',
        );
      const isUnvalidated = !verified && storage !== scope.source;
      return { scope: scope.name, name, version: operation, content, servedBy: storage.name, isUnvalidated };
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const finding =
        error.kind === 'not-found' ? 'missing' : error.kind === 'precondition-failed' ? 'other-token' : undefined;
      await sources.failed(source, error, { finding, brokeOff: false });
    }
  }
  if (sources.superseded) return undefined;
  throw noSourceServed({ scope: scope.name, name }, sources.attempts);
}

/** An object the catalog does not know: by a copy's own mark, or for a caller that takes anything, by whatever is there. */
async function inspectFound(ports: ReadPorts, args: Locate, why: StorageError | undefined): Promise<ObjectInfo> {
  const { scope, name } = args;
  const isAnyTaken = effectiveConsistency(args) === 'any';
  const attempts = why === undefined ? [] : [attemptOf(why)];
  for (const storage of storesInReadOrder(scope)) {
    if (storage === scope.source && !isAnyTaken) continue;
    try {
      const head = await headOf(ports, args, storage, name);
      if (!isAnyTaken && head.mark?.sha256 === undefined)
        throw new StorageError(
          'unavailable',
          { store: storage.name, key: name },
          'its copy carries no mark to prove it by',
        );
      const content = contentOf(head, head.mark?.sha256);
      return {
        scope: scope.name,
        name,
        version: head.mark?.operation,
        content,
        servedBy: storage.name,
        isUnvalidated: true,
      };
    } catch (error) {
      if (!(error instanceof StorageError) || error.kind === 'aborted') throw error;
      attempts.push(attemptOf(error));
    }
  }
  throw mergeAttempts(args, attempts);
}

function headOf(ports: ReadPorts, { scope, signal }: Locate, storage: Storage, key: string): Promise<Head> {
  return askStore(ports, { storage, key, deadlineMs: scope.deadlineMs, signal }, (aborted) =>
    storage.head(key, { signal: aborted }),
  );
}
