import type { Catalog, ChangeOutcome, Intent } from '../ports/catalog.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/events.ts';
import { type Head, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import { headOrMissing } from './observe-object.ts';
import type { ObjectScope } from './opened-scope.ts';
import { recordWrite } from './record-write.ts';
import { storageAt } from './scope-stores.ts';
import type { StoreHealth } from './store-health.ts';

export interface SettlePorts {
  readonly catalog: Pick<Catalog, 'readObject' | 'record' | 'removeIntent'>;
  readonly clock: Clock;
  readonly health: StoreHealth;
  readonly events: EventSink;
}

/**
 * What became of a write whose end nobody saw.
 *
 * - `carried-forward`: the store has its bytes; it is recorded, as if its writer had lived.
 * - `forgotten`: the store has what it had before, or something a third party wrote; the write never happened.
 * - `open`: the store cannot be asked now; the intent stays.
 */
export type Settled =
  | { readonly kind: 'carried-forward'; readonly versionId: number }
  | { readonly kind: 'forgotten' }
  | { readonly kind: 'open' };

/** Looks at the store an interrupted write was going to, and carries it forward or forgets it (docs/reading.md, "Writing"). */
export async function settleIntent(ports: SettlePorts, scope: ObjectScope, intent: Intent): Promise<Settled> {
  const storage = storageAt(scope, intent.store);
  if (storage === undefined) return { kind: 'open' };
  if (intent.content.kind === 'tombstone') return forget(ports, intent);
  const question = { storage, key: intent.key, deadlineMs: scope.deadlineMs };
  try {
    const head = await headOrMissing(() => askStore(ports, question, (signal) => storage.head(intent.key, { signal })));
    if (head === undefined || !(await isItsOwn(ports, scope, storage, intent, head)))
      return await forget(ports, intent);
    return await carryForward(ports, scope, storage, intent, head);
  } catch (error) {
    if (error instanceof StorageError) return { kind: 'open' };
    throw error;
  }
}

async function forget({ catalog }: SettlePorts, intent: Intent): Promise<Settled> {
  await catalog.removeIntent(intent.operation);
  return { kind: 'forgotten' };
}

/** The bytes there are the ones the writer published: by their mark, or where the store keeps none, by their hash. */
async function isItsOwn(
  ports: SettlePorts,
  scope: ObjectScope,
  storage: Storage,
  intent: Intent,
  head: Head,
): Promise<boolean> {
  if (intent.content.kind === 'tombstone' || head.token === intent.oldToken || head.size !== intent.content.size)
    return false;
  if (head.mark !== undefined) {
    const { operation, sha256 } = head.mark;
    return operation === intent.operation && (sha256 === undefined || sha256 === intent.content.sha256);
  }
  const sha256 = await hashStored(ports, { storage, key: intent.key, deadlineMs: scope.deadlineMs }, head);
  return sha256 === intent.content.sha256;
}

/**
 * Its record is written now. Where the object went on without it (it was deleted, say), the write counts as one that failed: it
 * was never acknowledged, and what it published is taken away again, unless somebody replaced it.
 */
async function carryForward(
  ports: SettlePorts,
  scope: ObjectScope,
  storage: Storage,
  intent: Intent,
  head: Head,
): Promise<Settled> {
  const outcome: ChangeOutcome = await recordWrite(ports.catalog, scope, {
    intent,
    published: { token: head.token, verification: 'written' },
    follows: intent.follows,
    row: await ports.catalog.readObject(intent.scope, intent.name),
    nowMs: ports.clock.nowMs(),
  });
  if (outcome.kind !== 'conflict') return { kind: 'carried-forward', versionId: outcome.versionId };

  const row = await ports.catalog.readObject(intent.scope, intent.name);
  if (row?.current.content.kind === 'tombstone')
    await storage.delete(intent.key, { ifToken: head.token }).catch(ignoreReplaced);
  ports.events.report({
    kind: 'write-abandoned',
    scope: intent.scope,
    name: intent.name,
    store: intent.store,
    detail: `operation ${intent.operation} was interrupted, and the object changed before it could be recorded`,
  });
  return forget(ports, intent);
}

function ignoreReplaced(error: unknown): void {
  if (!(error instanceof StorageError) || error.kind !== 'precondition-failed') throw error;
}
