import type { ObjectName } from '../../domain/object/object-name.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Condition } from '../condition.ts';
import { ObjectError } from '../object-error.ts';
import type { OperationIds } from '../operation-ids.ts';
import { findLost } from './lost-versions.ts';
import { seeAmong, type UnderPolicy } from './write-among.ts';

export interface DeleteOwnPorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'readConflict' | 'record' | 'recordAmong'>;
  readonly operations: OperationIds;
}

export interface DeleteOwn extends UnderPolicy {
  readonly object: ObjectName;
  readonly onlyIf: Condition | undefined;
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
    const why = args.onlyIf?.(row);
    if (why !== undefined) throw new ObjectError('condition', object, why);
    const operation = operations.next();
    const content = { kind: 'tombstone' } as const;
    const among = row.siblings === undefined ? undefined : await seeAmong(catalog, object, args);
    if (among !== undefined) {
      if ((await catalog.recordAmong({ ...object, operation, content, ...among })).kind === 'recorded')
        return operation;
      continue;
    }
    const change = { ...object, follows: row.current.id, content, operation, isAlone: true, replicas: [] };
    const { changes } = await catalog.record({ changes: [change] });
    if (changes[0]?.kind === 'recorded') return operation;
  }
  throw new ObjectError('unavailable', object, `others changed it ${ROUNDS_MAX} times while it was being deleted`);
}

/** A version that lost is ended by a tombstone that has seen it and nothing else: what is served stays. */
export async function deleteLost(
  { catalog, operations }: DeleteOwnPorts,
  { object, onlyIf }: Pick<DeleteOwn, 'object' | 'onlyIf'>,
): Promise<string | undefined> {
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const lost = await findLost(catalog, object);
    const why = onlyIf?.(lost && { ...object, current: lost.version, replicas: [] });
    if (why !== undefined) throw new ObjectError('condition', object, why);
    if (lost === undefined) return undefined;
    const operation = operations.next();
    const { of, version, kept } = lost;
    const content = { kind: 'tombstone' } as const;
    const change = { ...of, operation, content, sees: kept.versions, follows: version.same };
    if ((await catalog.recordAmong(change)).kind === 'recorded') return operation;
  }
  throw new ObjectError('unavailable', object, `others changed it ${ROUNDS_MAX} times while it was being deleted`);
}
