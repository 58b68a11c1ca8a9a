import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import { isLost } from '../../domain/replica/lost.ts';
import { transitionReplica } from '../../domain/replica/transition-replica.ts';
import { REQUEST_PRIORITY } from '../../domain/transfer/request-priorities.ts';
import type { Catalog, NewRequest } from '../../ports/catalog.ts';
import { asRead } from '../downloads/as-read.ts';

export type DeclaredBad =
  /** `isLost`: it was the last copy that could be good. */
  | { readonly kind: 'declared' | 'unchanged'; readonly isLost: boolean }
  | { readonly kind: 'refused'; readonly why: string }
  /** Of the version that is read there is none at the store. */
  | { readonly kind: 'no-replica' };

/**
 * Somebody knows that the copy of an object at a store is bad, of the version that is read: it is not served any more, counts for nothing, and
 * rules bring another one (docs/states.md, "Lost objects"). It is good again when it is read and found right, or copied anew.
 */
export async function declareBad(
  catalog: Pick<Catalog, 'readObject' | 'record' | 'recordEvents' | 'listStandingRules'>,
  name: ObjectName,
  { store, title }: { readonly store: string; readonly title: string },
): Promise<DeclaredBad> {
  const found = await catalog.readObject(name.scope, name.name);
  const row = found && asRead(found);
  const replica = row?.replicas.find((one) => one.store === store && one.versionId === row.current.id);
  if (row === undefined || row.current.content.kind === 'tombstone' || replica === undefined)
    return { kind: 'no-replica' };
  const transition = transitionReplica(replica.state, 'found-wrong');
  if (transition.kind === 'refused') return transition;
  const { versionId, place, token, verification } = replica;
  const standing = await catalog.listStandingRules(name.scope);
  const isMirrored = standing.some((rule) => rule.store === store);
  await catalog.record({
    // What a profile mirrors nobody has a lock on.
    requests: isMirrored ? [repairOf({ ...name, versionId, store })] : [],
    replicas: [
      {
        ...name,
        versionId,
        store,
        to: { state: 'BAD', place, token, verification },
        // One that was copied anew meanwhile is another one.
        ...(token === undefined ? {} : { ifToken: token }),
      },
    ],
  });
  const now = await catalog.readObject(name.scope, name.name);
  const after = now && asRead(now);
  const current = (after?.replicas ?? []).filter((one) => one.versionId === after?.current.id);
  const lost = isLost(current.map((one) => ({ state: one.state, hasBytes: one.token !== undefined })));
  if (transition.kind === 'unchanged') return { kind: 'unchanged', isLost: lost };
  await catalog.recordEvents([
    { kind: 'replica-declared-bad', ...name, store, detail: `the copy at ${title} was declared bad` },
    ...(lost
      ? [{ kind: 'object-lost', ...name, detail: `no copy of ${formatObjectName(name)} is left that could be good` }]
      : []),
  ]);
  return { kind: 'declared', isLost: lost };
}

function repairOf(copy: Pick<NewRequest, 'scope' | 'name' | 'versionId' | 'store'>): NewRequest {
  return { ...copy, kind: 'copy', reason: 'repair', priority: REQUEST_PRIORITY.miss };
}
