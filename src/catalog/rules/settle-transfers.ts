import type { ReplicaChange } from '../../ports/catalog.ts';
import type { TransferOutcome } from '../../ports/rules.ts';
import { transitionReplica } from '../../domain/replica/transition-replica.ts';
import { stateCode, stateName } from '../codes.ts';
import { type FoundHead, lockObjects } from '../record/find-objects.ts';
import { recordReplicas } from '../record/record-replicas.ts';
import { openSoftStores } from '../record/soft-stores.ts';
import { dropReplicas } from '../record/upsert-replicas.ts';
import { decodePlace, encodePlace } from '../place-code.ts';
import { rounds, type Session, type SetStatement, type SqlValue } from '../session.ts';
import { forgetAttempts, keepAttempts } from './attempts.ts';
import { IS_HANDED_OVER } from './handed-over.ts';
import type { Sticking } from './lock-rows.ts';
import { askForRelays, tellWaiting } from './relays.ts';
import { keepRoutes } from './routes.ts';
import { type SeenReplica, seeObjectsNamed } from './seen.ts';
import { isSatisfied } from './satisfied.ts';
import { followObjects, pairKey, watchThese } from './watch-objects.ts';

/** Everything that follows from an attempt is one transaction, under its lease. Told twice it has the effect of one. */
export async function settleTransfers(
  session: Session,
  outcomes: readonly TransferOutcome[],
): Promise<readonly boolean[]> {
  const settled: boolean[] = outcomes.map(() => false);
  for (const round of rounds([...outcomes.entries()], ([, { lease }]) => String(lease.requestId))) {
    const held = await settleRound(
      session,
      round.map(([, outcome]) => outcome),
    );
    for (const [at, { lease }] of round) settled[at] = held.has(lease.requestId);
  }
  return settled;
}

const findHeld: SetStatement = {
  columns: { i: 'int', id: 'int', token: 'int' },
  text: (rows) =>
    `select r.i, q.scope, q.name, q.version, q.store, q.source, q.reason, q.priority, q.activity, q.source_expression from ${rows} join request q on q.id = r.id
     where q.token = r.token and q.state = 'SUBMITTED'`,
};

type HeldRow = readonly [
  at: number,
  scope: number,
  name: string,
  version: number,
  store: number,
  source: number | null,
  reason: string,
  priority: number,
  activity: string | null,
  sourceExpression: string | null,
];

/** An outcome whose lease is held, with what it is about. */
export interface Settling {
  readonly outcome: TransferOutcome;
  readonly scope: string;
  readonly name: string;
  readonly version: number;
  readonly store: number;
  readonly source: number | undefined;
  readonly reason: string;
  readonly priority: number;
  readonly activity: string | null;
  readonly sourceExpression: string | null;
  object: number;
  head: FoundHead | undefined;
  isCurrent: boolean;
  replica: SeenReplica | undefined;
}

async function settleRound(session: Session, outcomes: readonly TransferOutcome[]): Promise<ReadonlySet<number>> {
  const found = await findSettling(session, outcomes);
  await lockObjects(session, found);
  const objects = await seeObjectsNamed(session, found);
  const watched = await watchThese(session, [...new Map(objects.map((one) => [one.id, one])).values()]);
  const byName = new Map(objects.map((object) => [`${object.scope} ${object.name}`, object]));
  const replicas = new Map(watched.replicas.map((one) => [`${one.object} ${one.store} ${one.version}`, one]));
  for (const one of found) {
    const object = byName.get(`${await session.known.scopes.requireId(session, one.scope)} ${one.name}`);
    one.object = object?.id ?? 0;
    if (object !== undefined) one.head = { id: object.id, current: { id: object.current, kind: object.kind } };
    one.isCurrent = object?.current === one.version;
    one.replica = replicas.get(`${one.object} ${one.store} ${one.version}`);
  }
  const held = await endRequests(session, found);
  const settling = found.filter(({ outcome }) => held.has(outcome.lease.requestId));
  await keepAttempts(session, settling);
  await keepRoutes(session, settling);
  await changeReplicas(session, settling, watched.replicas);
  await askForRelays(session, settling, byName);
  await tellWaiting(
    session,
    settling.filter((one) => isOver(one)),
  );
  await followObjects(session, watched, {
    stuck: findStuck(settling),
    ended: findEnded(settling),
    areObjectsUnchanged: true,
  });
  return held;
}

async function findSettling(session: Session, outcomes: readonly TransferOutcome[]): Promise<Settling[]> {
  const rows = await session.all<HeldRow>(
    findHeld,
    outcomes.map(({ lease }, i) => [i, lease.requestId, lease.token]),
  );
  const found: Settling[] = [];
  for (const [at, scope, name, version, store, source, reason, priority, activity, sourceExpression] of rows) {
    found.push({
      outcome: outcomes[at] as TransferOutcome,
      scope: await session.known.scopes.textOf(session, scope),
      name,
      version,
      store,
      source: source ?? undefined,
      reason,
      priority,
      activity,
      sourceExpression,
      object: 0,
      head: undefined,
      isCurrent: false,
      replica: undefined,
    });
  }
  return found;
}

/** It came by another way meanwhile: whatever the attempt says, nothing is left to do. */
function isThere({ replica, outcome }: Settling): boolean {
  return isSatisfied(replica?.state) && outcome.request.state !== 'CANCELLED';
}

function isOver(one: Settling): boolean {
  const { state } = one.outcome.request;
  return isThere(one) || (state !== 'QUEUED' && state !== 'WAITING');
}

const done: SetStatement = {
  columns: { id: 'int', token: 'int' },
  text: (rows) =>
    `delete from request where state = 'SUBMITTED' and (id, token) in (select r.id, r.token from ${rows}) returning id, token`,
};

const goOn: SetStatement = {
  columns: {
    id: 'int',
    token: 'int',
    state: 'text',
    attempts: 'int',
    times_stuck: 'int',
    after: 'int',
    is_over: 'int',
    keeps: 'int',
    why: 'text',
  },
  text: (rows, { nowMs }) =>
    `update request set state = r.state, attempts = coalesce(r.attempts, request.attempts),
       times_stuck = coalesce(r.times_stuck, request.times_stuck), last_error = r.why, owner = null, updated_ms = ${nowMs},
       due_ms = case when r.is_over = 1 then null else ${nowMs} + r.after end,
       source = case when r.is_over = 1 then null else request.source end,
       external_id = case when r.state = 'CANCELLED' or r.keeps = 1 or not ${IS_HANDED_OVER} then request.external_id end
     from ${rows} where request.id = r.id and request.token = r.token and request.state = 'SUBMITTED'
     returning request.id`,
};

/** Ids of the requests whose lease was still held. */
async function endRequests(session: Session, settling: readonly Settling[]): Promise<ReadonlySet<number>> {
  const ended: SqlValue[][] = [];
  const others: SqlValue[][] = [];
  for (const one of settling) {
    const { lease, request } = one.outcome;
    const { requestId: id, token } = lease;
    if (request.state === 'DONE' || isThere(one)) ended.push([id, token]);
    else if (request.state === 'CANCELLED') others.push([id, token, request.state, null, null, 0, 1, 1, request.why]);
    else {
      const { state, attempts, timesStuck, afterMs, why } = request;
      const isOver = Number(state === 'FAILED' || state === 'NO_SOURCES');
      others.push([
        id,
        token,
        state,
        attempts,
        timesStuck,
        Math.ceil(afterMs),
        isOver,
        Number(one.outcome.keepsHandedOver === true),
        why,
      ]);
    }
  }
  const gone = await session.all<[id: number, token: number]>(done, ended);
  const kept = await session.all<[id: number]>(goOn, others);
  await forgetAttempts(
    session,
    gone.filter(([, token]) => token > 1).map(([id]) => id),
  );
  return new Set([...gone, ...kept].map(([id]) => id));
}

async function changeReplicas(
  session: Session,
  settling: readonly Settling[],
  before: readonly SeenReplica[],
): Promise<void> {
  const soft = await openSoftStores(
    session,
    await Promise.all(
      settling.map(async ({ outcome, store }) => ({
        soft: outcome.soft ? [await session.known.stores.textOf(session, store)] : [],
      })),
    ),
  );
  const changes: ReplicaChange[] = [];
  const heads: FoundHead[] = [];
  const replaced: [number, number, number, undefined][] = [];
  const olderAt = Map.groupBy(before, ({ object, store }) => pairKey(object, store));
  for (const one of settling) {
    const { scope, name, version } = one;
    const change = await decideReplica(session, one);
    if (change !== undefined && one.head !== undefined) {
      changes.push(change);
      heads.push(one.head);
    }
    const { readSource } = one.outcome;
    if (
      readSource !== undefined &&
      one.head !== undefined &&
      isStillSeen(before, one, await session.known.stores.requireId(session, readSource.store))
    ) {
      const { store, place, token } = readSource;
      const to = { state: 'AVAILABLE', place, token, verification: 'read-back' } as const;
      changes.push({ scope, name, versionId: version, store, to, ifToken: token });
      heads.push(one.head);
    }
    if (change === undefined || change.to === 'drop' || change.to.state !== 'AVAILABLE') continue;
    // Where the new bytes lie now, those of an older version lay.
    const place = encodePlace({ scope, name }, change.to.place);
    for (const older of olderAt.get(pairKey(one.object, one.store)) ?? []) {
      if (older.version !== version && older.place === place && one.isCurrent) {
        replaced.push([older.object, older.store, older.version, undefined]);
      }
    }
  }
  await recordReplicas(session, changes, soft, heads);
  await dropReplicas(session, replaced);
  await doubtSources(session, settling);
}

/** Something else may have been learnt of it meanwhile: that stands. */
function isStillSeen(before: readonly SeenReplica[], { object, version }: Settling, store: number): boolean {
  const seen = before.find((one) => one.object === object && one.store === store && one.version === version);
  return seen?.state === stateCode('UNVERIFIED');
}

/** What the replica's state does not allow by now does not happen. */
async function decideReplica(session: Session, one: Settling): Promise<ReplicaChange | undefined> {
  const { outcome, scope, name, version: versionId, replica } = one;
  const event = eventOf(outcome);
  if (event === undefined || one.object === 0) return undefined;
  const transition = transitionReplica(replica === undefined ? undefined : stateName(replica.state), event);
  if (transition.kind === 'refused') return undefined;
  // Bytes that were there before the attempt are known by their token when their store comes back.
  if (event === 'copy-given-up' && transition.kind === 'unchanged') return undefined;
  const told = outcome.replica;
  const store = await session.known.stores.textOf(session, one.store);
  const key = { scope, name, versionId, store };
  if (transition.to === undefined) return replica === undefined ? undefined : { ...key, to: 'drop' };
  const learnt = outcome.sha256 === undefined ? {} : { sha256: outcome.sha256 };
  if (told === undefined || told === 'drop') return undefined;
  const place = event === 'copied' ? told.place : decodePlace({ scope, name }, replica?.place ?? null);
  return { ...key, to: { ...told, place, state: transition.to }, ...learnt };
}

/** A copy that is over and left nothing is withdrawn: who still wants it asks anew. */
function eventOf({ request, replica }: TransferOutcome) {
  const isOver = request.state === 'CANCELLED' || (request.state === 'DONE' && replica === undefined);
  if (isOver || replica === 'drop') return 'copy-withdrawn';
  if (replica?.state === 'AVAILABLE') return 'copied';
  return replica?.state === 'UNAVAILABLE' ? 'copy-given-up' : undefined;
}

function findStuck(settling: readonly Settling[]): ReadonlyMap<string, Sticking> {
  const stuck = new Map<string, Sticking>();
  for (const one of settling) {
    const { request, stuck: reason } = one.outcome;
    if (reason === undefined || !one.isCurrent || isThere(one)) continue;
    const afterMs = 'afterMs' in request ? request.afterMs : 0;
    stuck.set(pairKey(one.object, one.store), { reason, afterMs });
  }
  return stuck;
}

function findEnded(settling: readonly Settling[]): ReadonlySet<string> {
  const ended = settling.filter(
    ({ outcome: { request } }) => request.state === 'DONE' || request.state === 'CANCELLED',
  );
  return new Set(ended.map(({ object, store }) => pairKey(object, store)));
}

const UNDOUBTED = ['UNVERIFIED', 'AVAILABLE', 'TEMPORARY_UNAVAILABLE', 'UNAVAILABLE', 'BAD'] as const;

const doubt: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int', token: 'text' },
  text: (rows) =>
    `update replica set state = ${stateCode('SUSPICIOUS')} from ${rows}
     where replica.object = r.object and replica.store = r.store and replica.version = r.version
       and replica.state in (${UNDOUBTED.map(stateCode).join(', ')})
       and (replica.token = r.token or (replica.token is null and r.token is null))`,
};

async function doubtSources(session: Session, settling: readonly Settling[]): Promise<void> {
  const rows = new Map<string, SqlValue[]>();
  for (const { outcome, object, version } of settling) {
    for (const doubted of outcome.doubtedSources) {
      const store = await session.known.stores.requireId(session, doubted.store);
      rows.set(`${object} ${store} ${version}`, [object, store, version, doubted.token ?? null]);
    }
  }
  await session.run(doubt, [...rows.values()]);
}
