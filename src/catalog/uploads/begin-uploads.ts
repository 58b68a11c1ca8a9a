import { claimReplica } from '../../domain/rule/claim-replica.ts';
import type { BeginUploads, NewUpload, UploadBegun, UploadsBegun } from '../../ports/uploads.ts';
import { lockCode, PLACED, RELEASED, stateCode, stateName, TO_PURGE, TOMBSTONE } from '../codes.ts';
import { decodeOperation } from '../content.ts';
import { encodePlace } from '../place-code.ts';
import { lockObjects } from '../record/find-objects.ts';
import { isTaken, recordChanges } from '../record/record-changes.ts';
import { openSoftStores } from '../record/soft-stores.ts';
import { Claims, copiesOf, type LockChange } from '../rules/claims.ts';
import { findQuotasExceeded } from '../rules/quotas.ts';
import type { LockOwner } from '../rules/seen.ts';
import {
  type SeenLock,
  type SeenObject,
  type SeenReplica,
  seeLocks,
  seeObjectsNamed,
  seeReplicas,
} from '../rules/seen.ts';
import { TakenBack } from '../rules/taken-back.ts';
import { findTakenPlaces } from '../rules/taken-places.ts';
import { followObjects, watchObjects } from '../rules/watch-objects.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { type JudgedUpload, judgeUploads } from './judge-uploads.ts';
import { encodeNote } from './upload-codes.ts';
import { UPLOADER } from './upload-codes.ts';
import { ruleOfDataset, ruleOfObject } from './upload-rules.ts';

/**
 * One transaction, with rows locked in the order of all writers: the tree of collections, objects by name, the slot, stores, accounts, rules. What the new
 * versions do to locks and copies that were there is what it is for any other change; then the upload adds its own.
 */
export async function beginUploads(session: Session, begin: BeginUploads): Promise<UploadsBegun> {
  const { files } = begin;
  const store = await session.known.stores.requireId(session, begin.store);
  const ruleOfAll = begin.dataset === undefined ? undefined : await ruleOfDataset(session, begin.rule, begin.dataset);
  await lockObjects(session, files);
  const watched = await watchObjects(session, files);
  const judged = await judgeUploads(session, files, { ...begin, store });
  const answers: (UploadBegun | undefined)[] = judged.map(({ verdict }) =>
    typeof verdict === 'string' ? undefined : verdict,
  );
  await makeVersions(session, judged, { answers, hasRules: watched.hasRules });
  await followObjects(session, watched);
  const registered = await seeRegistered(session, judged, answers);
  await keepTraits(session, begin, registered);
  for (const one of registered) one.rule = ruleOfAll ?? (await ruleOfObject(session, begin.rule, one.file));
  await claimAll(session, begin, { registered, store });
  await lendAll(session, begin, { registered, answers, store });
  return { kind: 'begun', files: answers as UploadBegun[] };
}

async function makeVersions(
  session: Session,
  judged: readonly JudgedUpload[],
  { answers, hasRules }: { readonly answers: (UploadBegun | undefined)[]; readonly hasRules: boolean },
): Promise<void> {
  const changing = [...judged.entries()].filter(([, { verdict }]) => verdict === 'change');
  const changes = changing.map(([, { file, found }]) => ({
    scope: file.scope,
    name: file.name,
    follows: found?.current.id,
    content: file.content,
    operation: file.operation,
    heedsCollections: true,
    replicas: [],
  }));
  const outcomes = await recordChanges(session, changes, { soft: await openSoftStores(session, []), hasRules });
  for (const [index, [at]] of changing.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined || isTaken(outcome)) continue;
    answers[at] = outcome.kind === 'refused' ? outcome : { kind: 'held', by: 'somebody who has just begun it' };
  }
}

/** A file whose object has the bytes' version by now. */
interface Registered {
  readonly at: number;
  readonly file: NewUpload;
  readonly object: SeenObject;
  readonly isFresh: boolean;
  readonly isChanged: boolean;
  readonly isResumed: boolean;
  readonly follows: string | undefined;
  rule: number;
}

async function seeRegistered(
  session: Session,
  judged: readonly JudgedUpload[],
  answers: readonly (UploadBegun | undefined)[],
): Promise<readonly Registered[]> {
  const going = [...judged.entries()].filter(([at]) => answers[at] === undefined);
  const objects = await seeObjectsNamed(
    session,
    going.map(([, { file }]) => file),
  );
  const byName = new Map(objects.map((object) => [`${object.scope} ${object.name}`, object]));
  const registered: Registered[] = [];
  for (const [at, { file, found, verdict, isResumed }] of going) {
    const scope = await session.known.scopes.requireId(session, file.scope);
    const object = byName.get(`${scope} ${file.name}`) as SeenObject;
    const isFresh = found === undefined || found.current.kind === TOMBSTONE;
    const isChanged = verdict === 'change';
    const follows = isChanged && found !== undefined ? decodeOperation(found.current.operation) : undefined;
    registered.push({ at, file, object, isFresh, isChanged, isResumed, follows, rule: 0 });
  }
  return registered;
}

const describeFresh: SetStatement = {
  columns: { object: 'int', format: 'text', holder: 'text' },
  text: (rows) =>
    `insert into object_trait (object, format, rights_holder, authority) select r.object, r.format, r.holder, null from ${rows} where true
     on conflict (object) do update set format = excluded.format, rights_holder = excluded.rights_holder, authority = null`,
};

const describeKnown: SetStatement = {
  columns: { object: 'int', format: 'text', holder: 'text' },
  text: (rows) =>
    `insert into object_trait (object, format, rights_holder, authority) select r.object, r.format, r.holder, null from ${rows} where true
     on conflict (object) do update set format = coalesce(excluded.format, object_trait.format),
       rights_holder = coalesce(object_trait.rights_holder, excluded.rights_holder)`,
};

const forgetAuthority: SetStatement = {
  columns: { object: 'int' },
  text: (rows) => `update object_trait set authority = null from ${rows} where object_trait.object = r.object`,
};

/** A new version has no authority before it is available somewhere. */
async function keepTraits(session: Session, begin: BeginUploads, registered: readonly Registered[]): Promise<void> {
  const rowOf = ({ object, file }: Registered): SqlValue[] => [object.id, file.format ?? null, begin.rule.account];
  const known = registered.filter(({ isFresh }) => !isFresh);
  await session.run(describeFresh, registered.filter(({ isFresh }) => isFresh).map(rowOf));
  await session.run(describeKnown, known.map(rowOf));
  await session.run(
    forgetAuthority,
    known.filter(({ isChanged }) => isChanged).map(({ object }) => [object.id]),
  );
}

interface Lending {
  readonly registered: readonly Registered[];
  readonly store: number;
}

/** The upload's lock on each copy, the copy itself, and a request for it. Locks of others that are stuck there are tried again with it. */
async function claimAll(session: Session, begin: BeginUploads, { registered, store }: Lending): Promise<void> {
  const ids = registered.map(({ object }) => object.id);
  const replicas = Map.groupBy(await seeReplicas(session, ids), ({ object }) => object);
  const locks = Map.groupBy(await seeLocks(session, ids), ({ object }) => object);
  const claims = new Claims();
  const begun: SqlValue[][] = [];
  for (const { object, file, rule } of registered) {
    const replica = replicas.get(object.id)?.find((one) => one.store === store && one.version === object.current);
    const here = (locks.get(object.id) ?? []).filter((lock) => lock.store === store);
    const state = replica === undefined ? undefined : stateName(replica.state);
    const asks = claimReplica(state).request || state === 'COPYING';
    if (replica?.placed === RELEASED || replica?.placed === TO_PURGE) claims.place(replica, PLACED);
    if (state === 'UNAVAILABLE' && replica !== undefined && !replica.hasToken) {
      beginCopy(claims, replica);
      begun.push([object.id, store, object.current]);
    }
    claims.claims.push({
      object,
      store,
      locks: locksAfter(here, ownerOf(begin, rule), asks),
      copyTo: replica === undefined ? { place: encodePlace(file, file.place) } : undefined,
      request: asks ? 'now' : undefined,
    });
  }
  const taken = await findTakenPlaces(session, copiesOf(claims.claims));
  if (taken.size > 0) throw new TakenBack<UploadsBegun>({ kind: 'begun', files: begin.files.map(() => PLACE_TAKEN) });
  const full = await claims.write(session, { strict: true });
  const exceeded = full.length > 0 ? [] : await findQuotasExceeded(session, begin.rule.account, begin.quotas);
  if (full.length > 0 || exceeded.length > 0) {
    const stores = await Promise.all(full.map((one) => session.known.stores.textOf(session, one)));
    throw new TakenBack<UploadsBegun>({ kind: 'no-room', stores, quotas: exceeded });
  }
  await session.run(copyAgain, begun);
}

/** They were judged free before the store was locked: judged again, each is told by whom. */
const PLACE_TAKEN = { kind: 'held', by: 'somebody who has just taken a place there: try again' } as const;

const copyAgain: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `update replica set state = ${stateCode('COPYING')} from ${rows}
     where replica.object = r.object and replica.store = r.store and replica.version = r.version`,
};

function beginCopy({ space }: Claims, replica: SeenReplica): void {
  space.subtract(replica);
  space.add({ ...replica, state: stateCode('COPYING') });
}

function ownerOf({ rule: { account, priority, activity, sourceExpression } }: BeginUploads, rule: number): LockOwner {
  return { rule, account, priority, activity, sourceExpression: sourceExpression ?? null };
}

function locksAfter(here: readonly SeenLock[], owner: LockOwner, asks: boolean): readonly LockChange[] {
  const stuck = lockCode('STUCK');
  const known = here.map(
    (lock): LockChange => ({
      owner: lock,
      before: lock.state,
      to: asks && lock.state === stuck ? 'REPLICATING' : undefined,
    }),
  );
  if (here.some(({ rule }) => rule === owner.rule)) return known;
  return [{ owner, before: undefined, to: asks ? 'REPLICATING' : 'OK' }, ...known];
}

const lend: SetStatement = {
  columns: { version: 'int', store: 'int', owner: 'text', lease: 'int', note: 'text' },
  text: (rows, { nowMs }) =>
    `update request set state = 'SUBMITTED', attempts = request.attempts + 1, token = request.token + 1, owner = r.owner,
       due_ms = ${nowMs} + r.lease, updated_ms = ${nowMs}, reason = 'upload', tool = '${UPLOADER}', external_id = r.note
     from ${rows} where request.version = r.version and request.store = r.store and request.kind = 'copy'
     returning request.version, request.id, request.token`,
};

async function lendAll(
  session: Session,
  begin: BeginUploads,
  { registered, store, answers }: Lending & { readonly answers: (UploadBegun | undefined)[] },
): Promise<void> {
  const { rule: words, dataset } = begin;
  const ids = registered.map(({ object }) => object.id);
  const there = new Set(
    (await seeReplicas(session, ids))
      .filter((one) => one.store === store && !claimReplica(stateName(one.state)).request)
      .filter(({ state }) => state !== stateCode('COPYING'))
      .map(({ version }) => version),
  );
  const lent = await session.all<[version: number, id: number, token: number]>(
    lend,
    registered
      .filter(({ object }) => !there.has(object.current))
      .map(({ object, file, rule }) => {
        const note = encodeNote({ account: words.account, origin: file.origin, dataset, rule }, object.current, store);
        return [object.current, store, begin.owner, begin.leaseMs, note];
      }),
  );
  const leases = new Map(lent.map(([version, requestId, token]) => [version, { requestId, token }]));
  for (const { at, object, rule, isResumed, follows } of registered) {
    const lease = leases.get(object.current);
    const versionId = object.current;
    answers[at] =
      lease === undefined
        ? { kind: 'present', versionId, rule }
        : { kind: 'begun', lease, versionId, rule, isResumed, follows };
  }
}
