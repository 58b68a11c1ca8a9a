import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Condition } from '../condition.ts';
import { ObjectError } from '../object-error.ts';
import type { ObjectVerbs } from '../object-verbs.ts';
import type { ObjectScope } from '../opened-scope.ts';
import { OperationError } from '../operation-error.ts';
import type { OperationIds } from '../operation-ids.ts';
import { fingerprintOf } from '../record-write.ts';
import { deleteLost } from './delete-own.ts';

export interface DeleteServedPorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'readConflict' | 'readOperation' | 'record' | 'recordAmong'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly operations: OperationIds;
  readonly objects: Pick<ObjectVerbs, 'delete'>;
}

export interface DeleteServed {
  readonly onlyIf: Condition | undefined;
  /** The client's own id, checked: asked again with it, the delete happens once. */
  readonly operation: string | undefined;
  readonly signal: AbortSignal;
}

export interface DeleteDone {
  /** The tombstone's operation id; undefined: there was nothing to delete. */
  readonly version: string | undefined;
  /** The tombstone that is there, whoever made it: what peers may still have to hear of. */
  readonly tombstone: string | undefined;
  /** It had been done before. */
  readonly isRepeat: boolean;
}

const TOMBSTONE = { kind: 'tombstone' } as const;

/**
 * Deletes an object as clients of a server ask for it: one that is not there is no error, and with an operation's id that is remembered, so
 * that a repeat does not delete what was written since. Fails with `ObjectError`, and with `OperationError` where the id stands for
 * something else.
 */
export async function deleteServed(
  ports: DeleteServedPorts,
  scope: ObjectScope,
  { name, onlyIf, operation, signal, isOwn }: DeleteServed & Pick<ObjectName, 'name'> & { readonly isOwn: boolean },
): Promise<DeleteDone> {
  const object = { scope: scope.name, name };
  try {
    const { version, isRepeat } = await ports.objects.delete({ scope, name, onlyIf, operation, signal });
    return { version, tombstone: version, isRepeat };
  } catch (error) {
    if (!(error instanceof ObjectError) || error.kind !== 'not-found') throw error;
    const current = (await ports.catalog.readObject(object.scope, name))?.current;
    const tombstone = current?.content.kind === 'tombstone' ? current.operation : undefined;
    if (operation !== undefined && tombstone === operation) return { version: operation, tombstone, isRepeat: true };
    const lost = isOwn ? await deleteLost(ports, { object, onlyIf, operation }) : undefined;
    if (lost !== undefined) return { version: lost, tombstone: lost, isRepeat: false };
    const why = onlyIf?.(undefined);
    if (why !== undefined) throw new ObjectError('condition', object, why);
    return deleteAbsent(ports, object, operation);
  }
}

/** There is nothing to delete; an operation with an id has found so once and for all. */
export async function deleteAbsent(
  ports: Pick<DeleteServedPorts, 'catalog' | 'clock'>,
  object: ObjectName,
  operation: string | undefined,
): Promise<DeleteDone> {
  const current = (await ports.catalog.readObject(object.scope, object.name))?.current;
  const tombstone = current?.content.kind === 'tombstone' ? current.operation : undefined;
  if (operation !== undefined) await rememberAbsent(ports, object, operation);
  return { version: undefined, tombstone, isRepeat: false };
}

/** What an earlier delete with this id did. */
export async function findDeleted(
  { catalog }: Pick<DeleteServedPorts, 'catalog'>,
  object: ObjectName,
  operation: string,
): Promise<DeleteDone | undefined> {
  const known = await catalog.readOperation(operation);
  if (known === undefined) return undefined;
  if (known.fingerprint !== fingerprintOf({ ...object, content: TOMBSTONE }))
    throw new OperationError(
      'used',
      `operation ${operation} was used for something else: give each delete an id of its own`,
    );
  const version = known.outcome === ABSENT ? undefined : operation;
  return { version, tombstone: version, isRepeat: true };
}

/** The outcome of a delete that found nothing. */
const ABSENT = JSON.stringify({ absent: true });

async function rememberAbsent(
  { catalog, clock }: Pick<DeleteServedPorts, 'catalog' | 'clock'>,
  object: ObjectName,
  operation: string,
): Promise<void> {
  const fingerprint = fingerprintOf({ ...object, content: TOMBSTONE });
  await catalog.record({ operation: { id: operation, fingerprint, outcome: ABSENT, createdMs: clock.nowMs() } });
}
