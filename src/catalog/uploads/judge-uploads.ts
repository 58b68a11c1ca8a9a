import type { NewUpload, UploadBegun } from '../../ports/uploads.ts';
import { stateCode, TOMBSTONE } from '../codes.ts';
import { type FoundObject, findObjects } from '../record/find-objects.ts';
import { isSatisfied } from '../rules/satisfied.ts';
import { findTaken } from '../rules/taken-places.ts';
import { type SeenReplica, seeReplicas } from '../rules/seen.ts';
import { hasNoBytes } from '../rules/watch-objects.ts';
import type { Session, SetStatement } from '../session.ts';
import { EARLIER_VERSION } from './never-arrived.ts';

/** What stands where a file is to be uploaded. */
export interface JudgedUpload {
  readonly file: NewUpload;
  readonly found: FoundObject | undefined;
  /** `change`: a version is to be made; `same`: the object has these bytes. Otherwise the answer. */
  readonly verdict: 'change' | 'same' | UploadBegun;
  /** There was a request of an upload for these bytes. */
  readonly isResumed: boolean;
}

export interface Asking {
  /** The store's number. */
  readonly store: number;
  readonly overwrites: boolean;
  readonly deadOwners: readonly string[];
}

const requests: SetStatement = {
  columns: { version: 'int' },
  text: (rows, { nowMs }) =>
    `select q.version, q.store, q.reason, case when q.state = 'SUBMITTED' and q.due_ms > ${nowMs} then q.owner else null end
     from ${rows} join request q on q.version = r.version and q.kind = 'copy' and q.state <> 'CANCELLED'`,
};

type RequestRow = readonly [version: number, store: number, reason: string, owner: string | null];

const preceded: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `select o.id from ${rows} join object o on o.id = r.object where ${EARLIER_VERSION} is not null`,
};

/** The objects' rows are locked by the caller. */
export async function judgeUploads(
  session: Session,
  files: readonly NewUpload[],
  asking: Asking,
): Promise<readonly JudgedUpload[]> {
  const found = await findObjects(session, files);
  const known = found.filter((object) => object !== undefined);
  const replicas = Map.groupBy(
    await seeReplicas(
      session,
      known.map(({ id }) => id),
    ),
    ({ object }) => object,
  );
  const asked = Map.groupBy(
    await session.all<RequestRow>(
      requests,
      known.map(({ current }) => [current.id]),
    ),
    ([version]) => version,
  );
  const earlier = await session.all<[object: number]>(
    preceded,
    known.map(({ id }) => [id]),
  );
  const hasEarlier = new Set(earlier.map(([id]) => id));
  const judged = files.map((file, at): JudgedUpload & { readonly isPlaceWanted: boolean } => {
    const object = found[at];
    if (object === undefined) return { file, found: object, verdict: 'change', isResumed: false, isPlaceWanted: true };
    const current = (replicas.get(object.id) ?? []).filter(({ version }) => version === object.current.id);
    const queue = asked.get(object.current.id) ?? [];
    const isResumed = queue.some(([, store, reason]) => store === asking.store && reason === 'upload');
    const verdict = judge({ file, object, current, queue, hasEarlier: hasEarlier.has(object.id) }, asking);
    const isHere = current.some((replica) => replica.store === asking.store);
    const isPlaceWanted = verdict === 'change' || (verdict === 'same' && !isHere);
    return { file, found: object, verdict, isResumed: verdict === 'same' && isResumed, isPlaceWanted };
  });
  const wanted = judged.filter(({ isPlaceWanted }) => isPlaceWanted);
  const taken = await findTaken(
    session,
    wanted.map(({ file }) => ({ store: asking.store, key: file.place, own: file })),
  );
  const others = new Map(wanted.map((one, at) => [one, taken[at]]));
  return judged.map((one) => {
    const by = others.get(one);
    return by === undefined ? one : { ...one, verdict: { kind: 'taken', by }, isResumed: false };
  });
}

function judge(
  facts: {
    readonly file: NewUpload;
    readonly object: FoundObject;
    readonly current: readonly SeenReplica[];
    readonly queue: readonly RequestRow[];
    /** Some store has had a version before the current one. */
    readonly hasEarlier: boolean;
  },
  { store, overwrites, deadOwners }: Asking,
): JudgedUpload['verdict'] {
  const { file, object, current, queue, hasEarlier } = facts;
  if (object.current.kind === TOMBSTONE) return 'change';
  const { size, sha256 } = object.current;
  const isSame = sha256?.toLowerCase() === file.content.sha256 && size === file.content.size;
  const isWorked = ([, at, reason, owner]: RequestRow): boolean =>
    owner !== null && !deadOwners.includes(owner) && (isSame ? at === store : reason === 'upload');
  if (isSame) {
    const here = current.find((replica) => replica.store === store);
    if (here !== undefined && isSatisfied(here.state)) return 'same';
    if (here?.state === stateCode('BEING_DELETED')) return { kind: 'leaving' };
  } else {
    if (overwrites) return 'change';
    // A version of which nobody ever had a byte is in nobody's way; one before it that did arrive is what is read until then.
    if (hasEarlier || current.length === 0 || !current.every(hasNoBytes))
      return { kind: 'other-bytes', size, sha256: sha256 ?? undefined };
  }
  const held = queue.find(isWorked);
  if (held !== undefined) return { kind: 'held', by: held[3] ?? '' };
  return isSame ? 'same' : 'change';
}
