import { createHash } from 'node:crypto';
import { compareKeys } from '../domain/object/key.ts';
import { REQUEST_PRIORITY } from '../domain/transfer/request-priorities.ts';
import type { Catalog, ChangeOutcome, Intent, ObjectRecord, OperationRecord } from '../ports/catalog.ts';
import type { Published } from '../ports/storage.ts';
import { softPlaces } from './flush-soft.ts';
import { replacedAt } from './observe-object.ts';
import type { ObjectScope } from './opened-scope.ts';
import { storageAt } from './scope-stores.ts';

export interface PublishedWrite {
  readonly intent: Intent;
  readonly published: Published;
  /** Id of the version it is to follow. */
  readonly follows: number | undefined;
  /** The object as it was before. */
  readonly row: ObjectRecord | undefined;
  readonly nowMs: number;
}

/**
 * Records what a write published, in one transaction: the version with its copy at the source, the requests that refresh the
 * replicas, the operation's outcome for its repeats, the end of the intent. A `conflict` leaves the intent.
 */
export async function recordWrite(
  catalog: Pick<Catalog, 'record'>,
  scope: ObjectScope,
  { intent, published, follows, row, nowMs }: PublishedWrite,
): Promise<ChangeOutcome> {
  const { operation, store, key, name, content } = intent;
  const { token, verification } = published;
  const recorded = await catalog.record({
    soft: softPlaces([storageAt(scope, store)]),
    changes: [
      {
        scope: scope.name,
        name,
        follows,
        content,
        operation,
        replicas: [{ store, state: 'AVAILABLE', place: key, token, verification }],
        requests: scope.replicas.map(({ storage }) => ({
          kind: 'copy',
          store: storage.place,
          reason: 'write',
          priority: REQUEST_PRIORITY.write,
        })),
      },
    ],
    replicas: replacedAt(row, scope.name, store, key, undefined),
    operation: operationOf(intent, nowMs),
    fulfils: operation,
  });
  const outcome = recorded.changes[0];
  if (outcome === undefined) throw new Error('the catalog gave no outcome for a change');
  return outcome;
}

/** What is kept of an operation, so that its repeat starts nothing. */
export function operationOf(
  { operation, scope, name, content }: Pick<Intent, 'operation' | 'scope' | 'name' | 'content'>,
  nowMs: number,
): OperationRecord {
  const outcome = content.kind === 'tombstone' ? {} : { size: content.size, sha256: content.sha256 };
  return {
    id: operation,
    fingerprint: fingerprintOf({ scope, name, content }),
    outcome: JSON.stringify(outcome),
    createdMs: nowMs,
  };
}

/** Hash of what was asked: the same id with another one is refused. */
export function fingerprintOf({ scope, name, content }: Pick<Intent, 'scope' | 'name' | 'content'>): string {
  const asked =
    content.kind === 'tombstone'
      ? [scope, name]
      : [
          scope,
          name,
          content.size,
          content.sha256,
          content.contentType,
          Object.entries(content.metadata ?? {}).toSorted(([a], [b]) => compareKeys(a, b)),
        ];
  return createHash('sha256').update(JSON.stringify(asked)).digest('hex');
}
