import type { Change, ChangeOutcome, NewRequest } from '../../ports/catalog.ts';
import { noticeContent } from '../rules/notice-content.ts';
import { stateCode } from '../codes.ts';
import { encodePlace } from '../place-code.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';
import { type Accepted, decideChange, type EncodedChange, encodeChange } from './decide-change.ts';
import { type FoundObject, findObjects, keysOf, lockObjects } from './find-objects.ts';
import { heedCollections } from './heed-collections.ts';
import { makeVersions } from './make-versions.ts';
import { queueRequests } from './queue-requests.ts';
import { recordReplicas } from './record-replicas.ts';
import type { SoftStores } from './soft-stores.ts';

const insertObject: SetStatement = {
  insertsOnly: true,
  columns: { scope: 'int', name: 'text', id: 'int', kind: 'int' },
  text: (rows) =>
    `insert into object (scope, name, id, current, kind) select r.scope, r.name, r.id, r.id, r.kind from ${rows} where true
     on conflict (scope, name) do nothing`,
};

const findMade: SetStatement = {
  columns: { i: 'int', object: 'int', operation: 'bytes' },
  text: (rows) =>
    `select r.i, v.id from ${rows} join version v
     on v.superseded = 1 and v.object = r.object and v.operation = r.operation`,
};

/** What all changes of a transaction have in common. */
export interface RecordFacts {
  readonly soft: SoftStores;
  readonly hasRules: boolean;
}

/** The outcome of each change, at its index. The objects' rows are locked by the caller. */
export async function recordChanges(
  session: Session,
  changes: readonly Change[],
  known: RecordFacts,
): Promise<ChangeOutcome[]> {
  const outcomes: ChangeOutcome[] = [];
  const encoded = changes.map(encodeChange);
  for (const round of rounds(encoded, ({ change }) => `${change.scope}\0${change.name}`)) {
    await recordRound(session, round, outcomes, known);
  }
  return outcomes;
}

/** One round names no object twice, so that sets of rows can be written. */
async function recordRound(
  session: Session,
  round: readonly EncodedChange[],
  outcomes: ChangeOutcome[],
  { soft, hasRules }: RecordFacts,
): Promise<void> {
  const wished = await heedCollections(session, await wish(session, round, outcomes), outcomes);
  const ids = wished.length === 0 ? [] : await session.engine.takeIds(session, wished.length);
  const proposed = wished.map(({ encoded, found }, index) => ({ encoded, found, versionId: ids[index] as number }));
  const accepted = await placeObjects(session, proposed, outcomes);
  if (accepted.length > 0) {
    await makeVersions(session, accepted, outcomes, soft);
    if (hasRules) await noticeContent(session, accepted);
  }
  await addToRepeated(session, round, outcomes, soft);
  await queueAlong(session, round, outcomes);
}

type Wish = Omit<Accepted, 'versionId'>;

/**
 * What is new to who asks is mostly new: it is not looked for, because whether it is there is found out by making its row. Not what
 * collections may be in the way of: that is asked before.
 */
async function wish(session: Session, round: readonly EncodedChange[], outcomes: ChangeOutcome[]): Promise<Wish[]> {
  const isLookedFor = ({ change }: EncodedChange): boolean =>
    change.follows !== undefined || change.heedsCollections === true || change.isOverCurrent === true;
  const wishes = await decide(session, round.filter(isLookedFor), outcomes);
  if (wishes.length === round.length) return wishes;
  for (const encoded of round) if (!isLookedFor(encoded)) wishes.push({ encoded, found: undefined });
  return wishes.sort((a, b) => a.encoded.index - b.encoded.index);
}

async function decide(session: Session, round: readonly EncodedChange[], outcomes: ChangeOutcome[]): Promise<Wish[]> {
  const found = await findObjects(
    session,
    round.map(({ change }) => change),
  );
  const made = await findMadeBefore(session, round, found);
  const wished: Wish[] = [];
  for (const [at, encoded] of round.entries()) {
    const object = found[at];
    const decision = decideChange(encoded, object, made.get(at));
    if (decision.kind === 'recorded') wished.push({ encoded, found: object });
    else outcomes[encoded.index] = decision;
  }
  return wished;
}

/** Versions that the operations of these changes made already, by position in the round. */
async function findMadeBefore(
  session: Session,
  round: readonly EncodedChange[],
  found: readonly (FoundObject | undefined)[],
): Promise<ReadonlyMap<number, number>> {
  const made = new Map<number, number>();
  const older: SqlValue[][] = [];
  for (const [at, encoded] of round.entries()) {
    const object = found[at];
    if (object === undefined) continue;
    if (object.current.operation === hexOf(encoded)) made.set(at, object.current.id);
    else older.push([at, object.id, encoded.operation]);
  }
  for (const [at, id] of await session.all<[number, number]>(findMade, older)) made.set(at, id);
  return made;
}

function hexOf({ change }: EncodedChange): string {
  return change.operation.replaceAll('-', '').toLowerCase();
}

/**
 * Makes the rows of new objects. Where somebody else made one at the same moment, the change is decided again on what is
 * there now.
 */
async function placeObjects(
  session: Session,
  proposed: readonly Accepted[],
  outcomes: ChangeOutcome[],
): Promise<readonly Accepted[]> {
  const fresh = proposed.filter(({ found }) => found === undefined);
  const keys = await keysOf(
    session,
    fresh.map(({ encoded }) => encoded.change),
  );
  const rows = keys.map(([scope, name], at) => {
    const one = fresh[at] as Accepted;
    return [scope, name, one.versionId, one.encoded.content[0]];
  });
  if (session.engine.concurrentWriters) rows.sort(byScopeAndName);
  if ((await session.run(insertObject, rows)) === rows.length) return proposed;

  const changes = fresh.map(({ encoded }) => encoded.change);
  await lockObjects(session, changes);
  const now = await findObjects(session, changes);
  const mine = new Set<Accepted>();
  const late: EncodedChange[] = [];
  for (const [at, one] of fresh.entries()) {
    // An object whose first version does not exist yet is the one just made here: it is found by no join.
    if (now[at] === undefined) mine.add(one);
    else late.push(one.encoded);
  }
  for (const again of await decide(session, late, outcomes)) {
    outcomes[again.encoded.index] = { kind: 'conflict', currentId: again.found?.current.id };
  }
  return proposed.filter((one) => one.found !== undefined || mine.has(one));
}

function byScopeAndName(a: readonly SqlValue[], b: readonly SqlValue[]): number {
  if (a[0] !== b[0]) return Number(a[0]) - Number(b[0]);
  return String(a[1]) < String(b[1]) ? -1 : 1;
}

const findElsewhere: SetStatement = {
  columns: { i: 'int', version: 'int', store: 'int', place: 'text' },
  text: (rows) =>
    `select r.i from ${rows} join version v on v.id = r.version
       join replica p on p.object = v.object and p.store = r.store and p.version = r.version
     where p.state = ${stateCode('AVAILABLE')} and p.token is not null and coalesce(p.place, '') <> coalesce(r.place, '')`,
};

/**
 * Replicas given with a repeated change are of the version that exists. Where the store has one of it already, at another place, that one
 * stays: nobody would know of its bytes any more.
 */
async function addToRepeated(
  session: Session,
  round: readonly EncodedChange[],
  outcomes: readonly ChangeOutcome[],
  soft: SoftStores,
): Promise<void> {
  const replicas = round.flatMap(({ change, index }) => {
    const outcome = outcomes[index];
    if (outcome?.kind !== 'repeated') return [];
    const { scope, name } = change;
    return change.replicas.map(({ store, ...to }) => ({ scope, name, store, versionId: outcome.versionId, to }));
  });
  if (replicas.length === 0) return;
  const stores = await session.known.stores.requireIds(
    session,
    replicas.map(({ store }) => store),
  );
  const asked = replicas.map(({ store, versionId, to, ...object }, at): SqlValue[] => {
    return [at, versionId, stores.get(store) ?? 0, encodePlace(object, to.place)];
  });
  const elsewhere = new Set((await session.all<[number]>(findElsewhere, asked)).map(([at]) => at));
  await recordReplicas(
    session,
    replicas.filter((_, at) => !elsewhere.has(at)),
    soft,
  );
}

/** The object has, or had, the version that was asked for. */
export function isTaken(
  outcome: ChangeOutcome,
): outcome is Extract<ChangeOutcome, { readonly kind: 'recorded' | 'repeated' }> {
  return outcome.kind === 'recorded' || outcome.kind === 'repeated';
}

/** Requests that come with a change are for the version it made, or repeats. */
async function queueAlong(
  session: Session,
  round: readonly EncodedChange[],
  outcomes: readonly ChangeOutcome[],
): Promise<void> {
  const requests: NewRequest[] = round.flatMap(({ change, index }) => {
    const outcome = outcomes[index];
    if (change.requests === undefined || outcome === undefined || !isTaken(outcome)) return [];
    const { scope, name } = change;
    return change.requests.map((request) => ({ ...request, scope, name, versionId: outcome.versionId }));
  });
  await queueRequests(session, requests);
}
