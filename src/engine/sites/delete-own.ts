import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog, ObjectRecord, OperationRecord } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Condition } from '../condition.ts';
import { ObjectError } from '../object-error.ts';
import type { OperationIds } from '../operation-ids.ts';
import { operationOf } from '../record-write.ts';
import { findLost } from './lost-versions.ts';
import { seeAmong, type UnderPolicy } from './write-among.ts';

export interface DeleteOwnPorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'readConflict' | 'record' | 'recordAmong'>;
  readonly operations: OperationIds;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export interface DeleteOwn extends UnderPolicy {
  readonly object: ObjectName;
  readonly onlyIf: Condition | undefined;
  /** The client's own id, checked. */
  readonly operation?: string | undefined;
}

/** Others change the object each time we are about to. */
const ROUNDS_MAX = 10;

/**
 * Deletes an object of a scope whose conflicts are not settled by who writes last: what is served, or a version that lost, by its own name.
 * The bytes follow by requests. The tombstone's operation id; undefined: there was nothing to delete. Fails with `ObjectError`.
 */
export async function deleteOwn(ports: DeleteOwnPorts, args: DeleteOwn): Promise<string | undefined> {
  const { catalog, operations } = ports;
  const { object } = args;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const row = await catalog.readObject(object.scope, object.name);
    if (row === undefined || row.current.content.kind === 'tombstone') return deleteLost(ports, args);
    demandCondition(args, row);
    const among = row.siblings === undefined ? undefined : await seeAmong(catalog, object, args);
    // Judged once more, after it was seen what is to be followed: what changes from here on is not followed.
    if (among !== undefined) demandCondition(args, await catalog.readObject(object.scope, object.name));
    const operation = args.operation ?? operations.next();
    const outcome = outcomeOf(ports, object, args.operation);
    const content = { kind: 'tombstone' } as const;
    if (among !== undefined) {
      const { kind } = await catalog.recordAmong({ ...object, operation, content, ...outcome, ...among });
      if (kind === 'recorded' || kind === 'repeated') return operation;
      continue;
    }
    const change = { ...object, follows: row.current.id, content, operation, isAlone: true, replicas: [] };
    const { changes } = await catalog.record({
      changes: [change],
      ...(outcome === undefined ? {} : { operation: outcome.outcome }),
    });
    if (changes[0]?.kind === 'recorded') return operation;
  }
  throw new ObjectError('unavailable', object, `others changed it ${ROUNDS_MAX} times while it was being deleted`);
}

function demandCondition({ object, onlyIf }: DeleteOwn, row: ObjectRecord | undefined): void {
  const why = onlyIf?.(row);
  if (why !== undefined) throw new ObjectError('condition', object, why);
}

/** A version that lost is ended by a tombstone that has seen it and nothing else: what is served stays. */
export async function deleteLost(
  ports: DeleteOwnPorts,
  { object, onlyIf, operation: asked }: Pick<DeleteOwn, 'object' | 'onlyIf' | 'operation'>,
): Promise<string | undefined> {
  const { catalog, operations } = ports;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const lost = await findLost(catalog, object);
    const why = onlyIf?.(lost && { ...object, current: lost.version, replicas: [] });
    if (why !== undefined) throw new ObjectError('condition', object, why);
    if (lost === undefined) return undefined;
    const operation = asked ?? operations.next();
    const { of, version, kept } = lost;
    const content = { kind: 'tombstone' } as const;
    const outcome = outcomeOf(ports, object, asked);
    const change = { ...of, operation, content, ...outcome, sees: kept.versions, follows: version.same };
    const { kind } = await catalog.recordAmong(change);
    if (kind === 'recorded' || kind === 'repeated') return operation;
  }
  throw new ObjectError('unavailable', object, `others changed it ${ROUNDS_MAX} times while it was being deleted`);
}

/** What is kept for repeats of an operation that has an id of its client's. */
function outcomeOf(
  { clock }: DeleteOwnPorts,
  object: ObjectName,
  operation: string | undefined,
): { readonly outcome: OperationRecord } | undefined {
  if (operation === undefined) return undefined;
  return { outcome: operationOf({ operation, ...object, content: { kind: 'tombstone' } }, clock.nowMs()) };
}
