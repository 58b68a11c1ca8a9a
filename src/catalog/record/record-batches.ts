import type { ChangeOutcome, RecordBatch, RecordOutcome } from '../../ports/catalog.ts';
import type { Session } from '../session.ts';
import { followObjects, watchObjects } from '../rules/watch-objects.ts';
import { recordEvents } from '../verbs/events.ts';
import { keepOperations } from '../verbs/operations.ts';
import { moveSync } from '../verbs/syncs.ts';
import { removeIntent } from '../verbs/intents.ts';
import { lockObjects } from './find-objects.ts';
import { queueRequests } from './queue-requests.ts';
import { isTaken, recordChanges } from './record-changes.ts';
import { findOthersAtPlaces } from './others-at-places.ts';
import { recordReplicas } from './record-replicas.ts';
import { openSoftStores } from './soft-stores.ts';

/**
 * Records several batches in the transaction of the caller, as sets of rows over all of them. Rows are locked in one order:
 * leases, then objects by name, then the slot.
 */
export async function recordBatches(session: Session, batches: readonly RecordBatch[]): Promise<RecordOutcome[]> {
  const held: boolean[] = [];
  for (const { lease, sync } of batches) held.push(lease === undefined || (await moveSync(session, lease, sync)));
  const live = batches.filter((_, at) => held[at]);

  const changes = live.flatMap((batch) => batch.changes ?? []);
  const others = await findOthersAtPlaces(
    session,
    live.flatMap((batch) => batch.places ?? []),
  );
  const replicas = [...live.flatMap((batch) => batch.replicas ?? []), ...others.replicas];
  const soft = await openSoftStores(session, live);
  await lockObjects(session, [...changes, ...replicas]);
  const watched = await watchObjects(session, [...changes, ...replicas]);
  const outcomes = await recordChanges(session, changes, { soft, hasRules: watched.hasRules });
  await recordReplicas(session, replicas, soft);
  await followObjects(session, watched);
  await queueRequests(
    session,
    live.flatMap((batch) => batch.requests ?? []),
  );
  await recordEvents(session, [...live.flatMap((batch) => batch.events ?? []), ...others.events]);

  let next = 0;
  const recorded: RecordOutcome[] = [];
  const fulfilled: RecordBatch[] = [];
  for (const [at, batch] of batches.entries()) {
    const count = held[at] === true ? (batch.changes?.length ?? 0) : 0;
    const own = outcomes.slice(next, next + count);
    next += count;
    if (held[at] === true && isFulfilled(own)) fulfilled.push(batch);
    recorded.push({ fenced: held[at] !== true, changes: own });
  }
  for (const { fulfils } of fulfilled) if (fulfils !== undefined) await removeIntent(session, fulfils);
  await keepOperations(
    session,
    fulfilled.flatMap(({ operation }) => operation ?? []),
  );
  return recorded;
}

function isFulfilled(outcomes: readonly ChangeOutcome[]): boolean {
  return outcomes.every(isTaken);
}
