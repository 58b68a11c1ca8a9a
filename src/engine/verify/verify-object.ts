import { type Listed, type Storage, StorageError } from '../../ports/storage.ts';
import { hashBody } from '../sync/hash-object.ts';
import type { KnownObject, KnownReplica } from '../sync/known-cursor.ts';
import type { MergedObject } from '../sync/merge-listings.ts';
import { judgeCopy, type ReadCopy } from './judge-copy.ts';
import type { VerifyTally } from './verify-tally.ts';

export type ListedObject = MergedObject & { readonly source: Listed };

export interface VerifyStores {
  readonly source: Storage;
  readonly targets: readonly Storage[];
  readonly signal: AbortSignal;
}

/** What was found at one store; `copy` is undefined where nothing could be read. */
export interface CopyFinding {
  /** Index: the source is 0, the targets follow. */
  readonly store: number;
  readonly kind: 'intact' | 'missing' | 'stale' | 'corrupt' | 'unreadable';
  readonly copy: ReadCopy | undefined;
}

export interface ObjectFindings {
  readonly object: ListedObject;
  /** True: the source holds other bytes than were recorded under its token, or could not be read; the catalog stays the judge. */
  readonly isSourceDoubtful: boolean;
  readonly findings: readonly CopyFinding[];
}

/** Reads one object at the source and all targets from the first byte to the last, and says of each copy what it is. */
export async function verifyObject(
  stores: VerifyStores,
  tally: VerifyTally,
  object: ListedObject,
): Promise<ObjectFindings> {
  const known = object.known?.isTombstone === false ? object.known : undefined;
  const ours = await read(stores, tally, 0, object.key, object.source.token);
  const recorded = currentHash(known, object.source.token);
  const isRotted = ours !== undefined && recorded !== undefined && ours.sha256 !== recorded;
  if (isRotted) tally.find(0, object.key, 'corrupt', 'it holds other bytes than were recorded, and nobody wrote them');
  const isSourceDoubtful = ours === undefined || isRotted;
  const sha256 = isSourceDoubtful ? recorded : ours.sha256;
  const findings: CopyFinding[] = [
    { store: 0, kind: ours === undefined ? 'unreadable' : isRotted ? 'corrupt' : 'intact', copy: ours },
  ];
  if (!isSourceDoubtful) tally.store(0).intact++;
  if (sha256 === undefined) return { object, isSourceDoubtful, findings };
  const targets = stores.targets.map(async (_, i) => {
    if (tally.isOut(i + 1)) return undefined;
    return await verifyCopy(stores, tally, { object, known, store: i + 1, sha256, isSourceDoubtful });
  });
  for (const finding of await Promise.all(targets)) if (finding !== undefined) findings.push(finding);
  return { object, isSourceDoubtful, findings };
}

async function verifyCopy(
  stores: VerifyStores,
  tally: VerifyTally,
  asked: {
    readonly object: ListedObject;
    readonly known: KnownObject | undefined;
    readonly store: number;
    readonly sha256: string;
    readonly isSourceDoubtful: boolean;
  },
): Promise<CopyFinding> {
  const { object, known, store, sha256 } = asked;
  const listed = object.targets[store - 1];
  if (listed === undefined) {
    tally.find(store, object.key, 'missing', 'it is not there');
    return { store, kind: 'missing', copy: undefined };
  }
  const copy = await read(stores, tally, store, object.key, listed.token);
  if (copy === undefined) return { store, kind: 'unreadable', copy };
  const replica = known?.replica(store);
  const kind = judgeCopy({
    copy,
    known: replica?.token === listed.token ? { isCurrent: isCurrent(replica, known) } : undefined,
    sha256,
    formerSha256: known?.sha256 === sha256 ? undefined : known?.sha256,
    source: object.source,
  });
  if (kind === 'intact') tally.store(store).intact++;
  else tally.find(store, object.key, kind, MESSAGE[kind]);
  return { store, kind, copy };
}

const MESSAGE = {
  stale: 'it holds another version',
  corrupt: 'its bytes are those of no version',
} as const;

/** The hash the source's bytes had when they were recorded under this token. */
function currentHash(known: KnownObject | undefined, token: string): string | undefined {
  const replica = known?.replica(0);
  return replica?.token === token && isCurrent(replica, known) ? known?.sha256 : undefined;
}

function isCurrent(replica: KnownReplica, known: KnownObject | undefined): boolean {
  return replica.versionId === known?.versionId;
}

/** Undefined: it could not be read, and that is told. What changes while it is read is looked at once more. */
async function read(
  { source, targets, signal }: VerifyStores,
  tally: VerifyTally,
  store: number,
  key: string,
  token: string,
): Promise<ReadCopy | undefined> {
  const storage = store === 0 ? source : (targets[store - 1] as Storage);
  try {
    return await readWhole(storage, tally, store, key, { ifToken: token, signal });
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    if (error.kind === 'precondition-failed' || error.kind === 'changed') {
      const again = await readWhole(storage, tally, store, key, { signal }).catch((cause: unknown) => cause);
      if (!(again instanceof Error)) return again as ReadCopy;
    }
    if (error.kind !== 'aborted') tally.find(store, key, 'unreadable', error.message);
    return undefined;
  }
}

async function readWhole(
  storage: Storage,
  tally: VerifyTally,
  store: number,
  key: string,
  options: { readonly ifToken?: string; readonly signal: AbortSignal },
): Promise<ReadCopy> {
  const { head, body } = await storage.get(key, options);
  const { sha256, size } = await hashBody(body);
  tally.store(store).bytes += size;
  if (size !== head.size)
    throw new StorageError('corrupt', { store: storage.name, key }, `${size} of ${head.size} bytes could be read`);
  return { head, sha256 };
}
