import type { Change, NewEvent, RecordBatch, ReplicaChange } from '../../ports/catalog.ts';
import type { CopyOutcome } from '../../ports/copy-pool.ts';
import type { KnownReplica } from '../sync/known-cursor.ts';
import { recordCopy, type RecordContext } from '../sync/record-copies.ts';
import type { CopyFinding, ObjectFindings } from './verify-object.ts';

export interface VerifyContext extends RecordContext {
  /** All was read after then, in milliseconds since 1970. */
  readonly readAfterMs: number;
}

/** What the catalog is told of one object that was read again: intact copies are `read-back`, the others what they are. */
export function recordFindings(
  context: VerifyContext,
  { object, isSourceDoubtful, findings }: ObjectFindings,
  operation: string,
): Pick<RecordBatch, 'changes' | 'replicas' | 'events'> {
  const changes: Change[] = [];
  const replicas: ReplicaChange[] = [];
  const events: NewEvent[] = [];
  const intact = findings.filter(({ kind }) => kind === 'intact');
  if (isSourceDoubtful) replicas.push(...intact.flatMap((finding) => confirmed(context, object, finding)));
  else {
    const seen = recordIntact(context, { object, isSourceDoubtful, findings: intact }, operation);
    if (seen?.change !== undefined) changes.push(seen.change);
    replicas.push(...(seen?.replicas ?? []));
  }
  for (const finding of findings) {
    // The next look must still tell it from what was never at the source.
    if (finding.store === 0 && finding.kind === 'missing') continue;
    const replica = object.known?.replica(finding.store);
    if (replica === undefined) continue;
    const told = wrong(context, object.key, finding, replica);
    if (told === undefined) continue;
    replicas.push(told.replica);
    events.push(told.event);
  }
  return { changes, replicas, events };
}

/** As a copy that found nothing to copy: a version the catalog did not know becomes known by this read. */
function recordIntact(context: VerifyContext, { object, findings }: ObjectFindings, operation: string) {
  const [source, ...copies] = findings;
  if (source?.copy === undefined || object.source === undefined) return undefined;
  const { head, sha256 } = source.copy;
  const outcome: CopyOutcome = {
    key: object.key,
    source: {
      token: head.token,
      size: head.size,
      sha256,
      attributes: head.attributes,
      readAfterMs: context.readAfterMs,
    },
    targets: copies.flatMap(({ store, copy }) =>
      copy === undefined
        ? []
        : [{ target: store - 1, kind: 'same' as const, token: copy.head.token, verification: 'read-back' as const }],
    ),
    attempts: 1,
  };
  const item = { key: object.key, size: head.size, targets: [], operation, known: undefined };
  return recordCopy(context, { item, source: object.source, known: object.known, seen: [] }, outcome);
}

/** While the source is in doubt, a copy with the recorded hash is the current version all the same. */
function confirmed(
  { scope, stores }: RecordContext,
  { key, known }: ObjectFindings['object'],
  { store, copy }: CopyFinding,
): ReplicaChange[] {
  if (known === undefined || copy === undefined || store === 0) return [];
  const to = { state: 'AVAILABLE', place: key, token: copy.head.token, verification: 'read-back' } as const;
  return [{ scope, name: key, versionId: known.versionId, store: stores[store] as string, to }];
}

function wrong(
  { scope, stores }: RecordContext,
  name: string,
  { store: index, kind, copy }: CopyFinding,
  { token, versionId }: KnownReplica,
): { readonly replica: ReplicaChange; readonly event: NewEvent } | undefined {
  const store = stores[index] as string;
  const row = { scope, name, versionId, store, ...(token === '' ? {} : { ifToken: token }) };
  const event = { scope, name, store, detail: 'found by verify' };
  const state = (to: 'BAD' | 'SUSPICIOUS') => ({ state: to, place: name, token, verification: 'none' as const });
  switch (kind) {
    case 'missing':
      return { replica: { ...row, to: 'drop' }, event: { ...event, kind: 'replica-found-missing' } };
    case 'corrupt':
      return { replica: { ...row, to: state('BAD') }, event: { ...event, kind: 'replica-found-corrupt' } };
    case 'stale':
      // Under the recorded token it is what the catalog says it is: another version.
      if (copy?.head.token === token) return undefined;
      return { replica: { ...row, to: state('SUSPICIOUS') }, event: { ...event, kind: 'replica-found-changed' } };
    case 'intact':
    case 'unreadable':
      return undefined;
  }
}
