import type { CopyFailure, ReadOutcome } from '../../ports/copy-pool.ts';
import type { KnownObject, KnownReplica } from '../sync/known-cursor.ts';
import type { MergedObject } from '../sync/merge-listings.ts';
import { judgeCopy, type ReadCopy } from './judge-copy.ts';
import type { VerifyTally } from './verify-tally.ts';

/** What was read of one object, by store: the source is 0, the targets follow. Undefined where nothing was listed. */
export type ReadCopies = readonly (ReadOutcome | undefined)[];

/** What was found at one store; `copy` is undefined where nothing could be read. */
export interface CopyFinding {
  /** Index: the source is 0, the targets follow. */
  readonly store: number;
  readonly kind: 'intact' | 'missing' | 'stale' | 'corrupt' | 'unreadable';
  readonly copy: ReadCopy | undefined;
}

export interface ObjectFindings {
  readonly object: MergedObject;
  /** True: the source holds other bytes than were recorded under its token, or could not be read; the catalog stays the judge. */
  readonly isSourceDoubtful: boolean;
  readonly findings: readonly CopyFinding[];
}

/**
 * Says of each copy of one object what it is, once all of them were read. While the source does not have the object, cannot be read
 * or holds rotten bytes, the recorded hash is the judge.
 */
export function verifyObject(tally: VerifyTally, object: MergedObject, copies: ReadCopies): ObjectFindings {
  const known = object.known?.isTombstone === false ? object.known : undefined;
  const ours = object.source === undefined ? undefined : readCopy(tally, object.key, 0, copies[0]);
  const recorded = recordedHash(object, known, ours);
  const isRotted = ours !== undefined && recorded !== undefined && ours.sha256 !== recorded;
  const isSourceDoubtful = ours === undefined || isRotted;
  const sha256 = isSourceDoubtful ? recorded : ours.sha256;
  const kind =
    object.source === undefined ? 'missing' : ours === undefined ? 'unreadable' : isRotted ? 'corrupt' : 'intact';
  const findings: CopyFinding[] = [{ store: 0, kind, copy: ours }];
  if (sha256 !== undefined)
    for (const i of object.targets.keys()) {
      if (!tally.isOut(i + 1))
        findings.push(verifyCopy(tally, { object, known, ours, store: i + 1, sha256, read: copies[i + 1] }));
    }
  tellSource(tally, object.key, findings);
  return { object, isSourceDoubtful, findings };
}

/** The hash all copies should have by the catalog's word; undefined where it knows none, or not of what lies at the source. */
function recordedHash(
  { source }: MergedObject,
  known: KnownObject | undefined,
  ours: ReadCopy | undefined,
): string | undefined {
  if (source === undefined) return known?.sha256;
  // What came between listing and reading lies under a token of its own.
  return currentHash(known, ours?.head.token ?? source.token);
}

/** What is wrong at the source, and who has the right bytes. */
function tellSource(tally: VerifyTally, key: string, [source, ...copies]: readonly CopyFinding[]): void {
  const intactAt = copies.flatMap(({ kind, store }) => (kind === 'intact' ? [tally.store(store).title] : []));
  const where = intactAt.length === 0 ? '' : `; intact at ${intactAt.join(', ')}`;
  if (source?.kind === 'intact') tally.store(0).intact++;
  else if (source?.kind === 'missing')
    tally.find(0, key, 'missing', `it was there, and was not deleted through Pando${where}`, intactAt);
  else if (source?.kind === 'corrupt')
    tally.find(0, key, 'corrupt', `it holds other bytes than were recorded, and nobody wrote them${where}`, intactAt);
}

function verifyCopy(
  tally: VerifyTally,
  asked: {
    readonly object: MergedObject;
    readonly known: KnownObject | undefined;
    /** The source's, where it could be read. */
    readonly ours: ReadCopy | undefined;
    readonly store: number;
    readonly sha256: string;
    readonly read: ReadOutcome | undefined;
  },
): CopyFinding {
  const { object, known, ours, store, sha256, read } = asked;
  const isListed = object.targets[store - 1] !== undefined;
  const isGone = read === undefined ? !isListed : read.kind === 'failed' && read.failure.kind === 'not-found';
  if (isGone) {
    tally.find(store, object.key, 'missing', 'it is not there');
    return { store, kind: 'missing', copy: undefined };
  }
  const copy = readCopy(tally, object.key, store, read);
  if (copy === undefined) return { store, kind: 'unreadable', copy };
  const replica = known?.replica(store);
  const judged = judgeCopy({
    copy,
    known: replica?.token === copy.head.token ? { isCurrent: isCurrent(replica, known) } : undefined,
    sha256,
    formerSha256: known?.sha256 === sha256 ? undefined : known?.sha256,
    source: object.source,
  });
  // A file that holds where a link leads is not the link.
  const isAnother = ours !== undefined && ours.head.attributes.link !== copy.head.attributes.link;
  const kind = judged === 'intact' && isAnother ? 'stale' : judged;
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

/** Undefined: it could not be read, and that is told. */
function readCopy(tally: VerifyTally, key: string, store: number, read: ReadOutcome | undefined): ReadCopy | undefined {
  const outcome = read ?? NOT_READ;
  if (outcome.kind === 'failed') {
    tally.find(store, key, 'unreadable', outcome.failure.message);
    return undefined;
  }
  tally.store(store).bytes += outcome.head.size;
  return { head: outcome.head, sha256: outcome.sha256 };
}

/** A store that was given up while the object waited to be read. */
const NOT_READ: { readonly kind: 'failed'; readonly failure: CopyFailure } = {
  kind: 'failed',
  failure: { kind: 'unavailable', message: 'it was not read' },
};
