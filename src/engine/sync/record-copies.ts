import type { ObjectContent } from '../../domain/object/version.ts';
import type { Verification } from '../../domain/store/verification.ts';
import { settledToken } from '../../domain/transfer/settled-token.ts';
import type { Change, ReplicaChange } from '../../ports/catalog.ts';
import type { CopyOutcome } from '../../ports/copy-pool.ts';
import type { Listed } from '../../ports/storage.ts';
import { makeContent } from '../object-content.ts';
import type { KnownObject } from './known-cursor.ts';
import type { PlannedItem, SeenTarget } from './plan-object.ts';

/** What one object adds to a batch for the catalog. */
export interface CopyRecord {
  readonly change: Change | undefined;
  readonly replicas: readonly ReplicaChange[];
}

export interface RecordContext {
  readonly scope: string;
  /** Places: the source's, then the targets'. */
  readonly stores: readonly string[];
}

interface StoredCopy {
  /** Index into `RecordContext.stores`. */
  readonly store: number;
  readonly token: string;
  readonly verification: Verification;
}

/** What the catalog is told after an item was carried out: a new version, or replicas of the one it knows. */
export function recordCopy(
  context: RecordContext,
  { item, known, seen }: PlannedItem,
  outcome: CopyOutcome,
): CopyRecord | undefined {
  const { source } = outcome;
  if (source === undefined) return undefined;
  const token = settledToken(source.token, source.attributes.modifiedNs, source.readAfterMs);
  const copies: StoredCopy[] = [{ store: 0, token, verification: source.sha256 === undefined ? 'none' : 'read-back' }];
  for (const one of outcome.targets) {
    if (one.kind !== 'failed') copies.push({ store: one.target + 1, token: one.token, verification: one.verification });
  }
  for (const one of seen) copies.push({ store: one.target + 1, token: one.token, verification: 'none' });
  return record(context, {
    key: item.key,
    operation: item.operation,
    known,
    content: makeContent(source),
    copies,
    sourceToken: source.token,
  });
}

/** What the catalog is told of an object that was only seen, at the source and at targets that look the same. */
export function recordSeen(
  context: RecordContext,
  object: {
    readonly key: string;
    readonly operation: string;
    readonly source: Listed;
    /** The listing began then, in milliseconds since 1970. */
    readonly listedAfterMs: number;
    readonly known: KnownObject | undefined;
    readonly seen: readonly SeenTarget[];
  },
): CopyRecord {
  const { key, operation, source, listedAfterMs, known, seen } = object;
  const copies: StoredCopy[] = [
    { store: 0, token: settledToken(source.token, source.modifiedNs, listedAfterMs), verification: 'none' },
    ...seen.map(({ target, token }) => ({ store: target + 1, token, verification: 'none' as const })),
  ];
  const content: ObjectContent = {
    kind: 'object',
    size: source.size,
    sha256: undefined,
    ...(source.modifiedNs === undefined ? {} : { modifiedNs: source.modifiedNs }),
  };
  return record(context, { key, operation, known, content, copies, sourceToken: source.token });
}

interface RecordedObject {
  readonly key: string;
  readonly operation: string;
  readonly known: KnownObject | undefined;
  readonly content: ObjectContent;
  readonly copies: readonly StoredCopy[];
  readonly sourceToken: string;
}

function record(context: RecordContext, object: RecordedObject): CopyRecord {
  const { key, known, content, copies } = object;
  const isKnownVersion = known !== undefined && !known.isTombstone && isSameVersion(known, object);
  const replaced = replacedReplicas(context, object, isKnownVersion ? known.versionId : undefined);
  const rows = copies.map(({ store, token, verification }) => ({
    store: context.stores[store] as string,
    state: verification === 'none' ? ('UNVERIFIED' as const) : ('AVAILABLE' as const),
    place: key,
    token,
    verification,
  }));
  if (!isKnownVersion) {
    const change: Change = {
      scope: context.scope,
      name: key,
      follows: known?.versionId,
      content,
      operation: object.operation,
      replicas: rows,
    };
    return { change, replicas: replaced };
  }
  const replicas = rows.map(({ store, ...to }) => ({
    scope: context.scope,
    name: key,
    versionId: known.versionId,
    store,
    to,
    ...(content.sha256 !== undefined && known.sha256 === undefined ? { sha256: content.sha256 } : {}),
  }));
  return { change: undefined, replicas: [...replaced, ...replicas] };
}

/** The same hash is the same version; without one, the same token at the source. */
function isSameVersion(known: KnownObject, { content, sourceToken }: RecordedObject): boolean {
  if (known.sha256 !== undefined && content.sha256 !== undefined) return known.sha256 === content.sha256;
  const atSource = known.replica(0);
  return atSource?.versionId === known.versionId && atSource.token === sourceToken;
}

/** Rows of versions whose bytes are gone, because these copies lie where they lay. */
function replacedReplicas(
  context: RecordContext,
  { key, known, copies }: RecordedObject,
  kept: number | undefined,
): ReplicaChange[] {
  const dropped: ReplicaChange[] = [];
  for (const { store } of copies) {
    const old = known?.replica(store);
    if (old === undefined || old.versionId === kept) continue;
    dropped.push({
      scope: context.scope,
      name: key,
      versionId: old.versionId,
      store: context.stores[store] as string,
      to: 'drop',
    });
  }
  return dropped;
}
