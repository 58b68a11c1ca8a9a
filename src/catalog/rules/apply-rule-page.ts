import { sql } from 'kysely';
import { claimReplica } from '../../domain/rule/claim-replica.ts';
import { transitionRule } from '../../domain/rule/rule-state.ts';
import type { PlacedObject, RulePageApplied, RulePageOutcome } from '../../ports/rules.ts';
import { PLACED, RELEASED, stateName, TO_PURGE, TOMBSTONE } from '../codes.ts';
import { encodePlace } from '../place-code.ts';
import type { Session, SetStatement } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';
import { type Claim, Claims, copiesOf } from './claims.ts';
import { findQuotasExceeded } from './quotas.ts';
import { decodeRules } from './read-rules.ts';
import { type Release, releaseClaims } from './release-claims.ts';
import { tellCounted } from './rule-counts.ts';
import { dueWhen } from './rule-due.ts';
import { encodeStatus, factsOf, type RuleRow, statusOf } from './rule-row.ts';
import { lockObjectsById, type LockOwner, type SeenObject, type SeenReplica, seeObjects } from './seen.ts';
import { TakenBack } from './taken-back.ts';
import { findTakenPlaces } from './taken-places.ts';
import { lockRule } from './tell-rule.ts';
import { nowMs } from '../now.ts';
import { expectTakingBack, takeBackVersions } from '../uploads/take-back-versions.ts';

/** Rows are locked in one order by all writers: objects by name, stores, accounts, rules. So the lease is asked for twice. */
export async function applyRulePage(session: Session, page: RulePageOutcome): Promise<RulePageApplied> {
  const row = await session.db.selectFrom('rule').selectAll().where('id', '=', page.lease.rule).executeTakeFirst();
  if (row === undefined || !isHeld(row, page)) return { kind: 'lost-lease' };
  const objects = await findPlacedObjects(session, page.objects);
  const claims = new Claims();
  const owner = ownerOf(row);
  const known = await seePage(session, objects, row.id);
  const left = objects.flatMap(({ object, placed }) => (placed.releases.length > 0 ? [object.id] : []));
  // Locks the slot, and the next one stores.
  const expected = await expectTakingBack(session, left);
  const taken = await addLocks(session, { objects, owner, claims, known });
  await dropLocks(session, { objects, owner, claims, known });
  const full = await claims.write(session, { strict: true });
  const quotas = (page.quotas ?? []).filter(({ stores }) => stores.some((store) => addsAt(page, store)));
  const exceeded = full.length > 0 ? [] : await findQuotasExceeded(session, row.account, quotas);
  if (full.length > 0 || exceeded.length > 0) {
    const stores = await Promise.all(full.map((store) => session.known.stores.textOf(session, store)));
    throw new TakenBack<RulePageApplied>({ kind: 'no-room', stores, quotas: exceeded });
  }
  await takeBackVersions(session, expected);
  await recordEvents(session, page.events);
  const hasChanged = objects.length < page.objects.length;
  const missing = {
    missingCopies: page.missingCopies + taken.length,
    missingWhy: page.missingWhy ?? taken[0],
  };
  return { kind: 'applied', rule: await moveOn(session, { ...page, ...missing }, hasChanged) };
}

/** A page that only gives back is not refused for a quota that was lowered. */
function addsAt({ objects }: RulePageOutcome, store: string): boolean {
  return objects.some(({ locks }) => locks.some((lock) => lock.store === store));
}

function isHeld(row: RuleRow, { lease }: RulePageOutcome): boolean {
  return row.token === lease.token && row.owner !== null && row.ended_ms === null;
}

function ownerOf({ id, account, priority, activity, source_expression }: RuleRow): LockOwner {
  return { rule: id, account, priority, activity, sourceExpression: source_expression };
}

interface FoundObject {
  readonly object: SeenObject;
  readonly placed: PlacedObject;
}

/** Those that are still what the page was decided on. */
async function findPlacedObjects(session: Session, objects: readonly PlacedObject[]): Promise<FoundObject[]> {
  const wanted = new Map(objects.map((object) => [object.id, object]));
  const ids = [...wanted.keys()];
  await lockObjectsById(session, ids);
  const found: FoundObject[] = [];
  for (const object of await seeObjects(session, ids)) {
    const placed = wanted.get(object.id) as PlacedObject;
    if (object.kind !== TOMBSTONE && object.current === placed.versionId) found.push({ object, placed });
  }
  return found;
}

interface SeenPage {
  readonly stores: ReadonlyMap<string, number>;
  /** Of this rule, by object and store: the state of the lock. */
  readonly locks: ReadonlyMap<string, number>;
  /** Of the current versions, at the stores that are to be locked. */
  readonly replicas: ReadonlyMap<string, SeenReplica>;
}

const ownLocks: SetStatement = {
  columns: { object: 'int', rule: 'int' },
  text: (rows) =>
    `select l.object, l.store, l.state from ${rows} join lock l on l.object = r.object and l.rule = r.rule`,
};

const replicasAt: SetStatement = {
  columns: { object: 'int', store: 'int', version: 'int' },
  text: (rows) =>
    `select p.object, p.store, p.version, p.state, case when p.token is null then 0 else 1 end, p.placed
     from ${rows} join replica p on p.object = r.object and p.store = r.store and p.version = r.version`,
};

async function seePage(session: Session, objects: readonly FoundObject[], rule: number): Promise<SeenPage> {
  const places = objects.flatMap(({ placed }) => [...placed.locks, ...placed.releases].map(({ store }) => store));
  const stores = await session.known.stores.requireIds(session, places);
  const locks = await session.all<[number, number, number]>(
    ownLocks,
    objects.map(({ object }) => [object.id, rule]),
  );
  const replicas = await session.all<[number, number, number, number, number, number | null]>(
    replicasAt,
    objects.flatMap(({ object, placed }) =>
      placed.locks.map(({ store }) => [object.id, stores.get(store) ?? 0, object.current]),
    ),
  );
  const bytes = new Map(objects.map(({ object }) => [object.id, object.bytes]));
  return {
    stores,
    locks: new Map(locks.map(([object, store, state]) => [`${object} ${store}`, state])),
    replicas: new Map(
      replicas.map(([object, store, version, state, hasToken, placed]) => [
        `${object} ${store}`,
        {
          object,
          store,
          version,
          state,
          hasToken: hasToken === 1,
          placed,
          place: null,
          bytes: bytes.get(object) ?? 0,
        },
      ]),
    ),
  };
}

interface PageParts {
  readonly objects: readonly FoundObject[];
  readonly owner: LockOwner;
  readonly claims: Claims;
  readonly known: SeenPage;
}

/**
 * What each lock begins with is decided by the replica as it is now. A lock that is there already is left as it is. Where the copy's place
 * is another object's none is made, and the reason returned: it would have no place to be tried again at.
 */
async function addLocks(session: Session, { objects, owner, claims, known }: PageParts): Promise<readonly string[]> {
  const wanted: Claim[] = [];
  for (const { object, placed } of objects) {
    const scope = await session.known.scopes.textOf(session, object.scope);
    const added = new Set<number>();
    for (const { store: place, place: key } of placed.locks) {
      const store = known.stores.get(place) ?? 0;
      if (added.has(store) || known.locks.has(`${object.id} ${store}`)) continue;
      added.add(store);
      const replica = known.replicas.get(`${object.id} ${store}`);
      const state = replica === undefined ? undefined : stateName(replica.state);
      const claim = claimReplica(state);
      if (replica?.placed === RELEASED || replica?.placed === TO_PURGE) claims.place(replica, PLACED);
      wanted.push({
        object,
        store,
        locks: [{ owner, before: undefined, to: claim.lock }],
        copyTo: replica === undefined ? { place: encodePlace({ scope, name: object.name }, key) } : undefined,
        request: claim.request ? (state === 'BEING_DELETED' ? 'after-delete' : 'now') : undefined,
      });
    }
  }
  const taken = await findTakenPlaces(session, copiesOf(wanted));
  const refused = new Set([...taken.keys()].map(({ claim }) => claim));
  claims.claims.push(...wanted.filter((claim) => !refused.has(claim)));
  return [...taken.values()];
}

async function dropLocks(session: Session, { objects, owner, claims, known }: PageParts): Promise<void> {
  const releases: Release[] = [];
  for (const { object, placed } of objects) {
    for (const { store: place, purge } of placed.releases) {
      const store = known.stores.get(place) ?? 0;
      const state = known.locks.get(`${object.id} ${store}`);
      if (state === undefined) continue;
      releases.push({ object: object.id, store, rule: owner.rule, purge });
      claims.removeLock({ ...owner, object: object.id, store, state }, object.bytes);
    }
  }
  await releaseClaims(session, releases, claims);
}

/** Notes how far the turn came; the last page ends it, and the lease. */
async function moveOn(session: Session, page: RulePageOutcome, hasChanged: boolean) {
  const row = await lockRule(session, page.lease.rule);
  if (row === undefined || !isHeld(row, page)) throw new TakenBack<RulePageApplied>({ kind: 'lost-lease' });
  const missing = page.missingCopies + (page.isFirst ? 0 : row.turn_missing);
  const why = page.missingWhy ?? (page.isFirst ? null : row.turn_why);
  const room = page.missesRoom === true || (!page.isFirst && row.turn_room === 1);
  const now = nowMs(session);
  const turn = { turn_missing: missing, turn_why: why, turn_room: room ? 1 : 0, updated_ms: now };
  const isLast = page.position === undefined;
  const known = { ...row, flag: row.state === 'INJECT' && hasChanged ? 1 : row.flag };
  await session.db
    .updateTable('rule')
    .set(
      isLast
        ? { ...turn, ...endTurn(known, missing, why), missing_room: missing > 0 && room ? 1 : 0 }
        : { ...turn, flag: known.flag, position: page.position },
    )
    .where('id', '=', row.id)
    .execute();
  if (isLast)
    await setDue(session, page, {
      isMissing: missing > 0 || page.waits === true,
      isBehind: hasChanged && row.state !== 'INJECT',
    });
  const after = await session.db.selectFrom('rule').selectAll().where('id', '=', row.id).executeTakeFirstOrThrow();
  const { id, state, ok, replicating, stuck, notify, told, replaces } = after;
  await tellCounted(session, [[id, state, ok, replicating + stuck + after.missing, notify, told, replaces]]);
  const [rule] = await decodeRules(session, [after]);
  return rule as Extract<RulePageApplied, { kind: 'applied' }>['rule'];
}

function endTurn(row: RuleRow, missing: number, why: string | null) {
  const facts = factsOf({ ...row, missing });
  const status = statusOf(row);
  const transition = transitionRule(status, status.state === 'INJECT' ? 'applied' : 'counted', facts);
  const to = transition.kind === 'moved' || transition.kind === 'unchanged' ? transition.to : status;
  return {
    ...encodeStatus(to),
    missing,
    missing_why: missing > 0 ? why : null,
    times_stuck: missing > 0 ? row.times_stuck + 1 : 0,
    position: null,
    owner: null,
  };
}

async function setDue(
  session: Session,
  { lease, lookAgainAfterMs }: RulePageOutcome,
  { isMissing, isBehind }: { readonly isMissing: boolean; readonly isBehind: boolean },
): Promise<void> {
  const { db } = session;
  const looksAgain = (isMissing && lookAgainAfterMs !== undefined) || isBehind;
  const afterMs = isBehind ? 0 : Math.ceil(lookAgainAfterMs ?? 0);
  const now = nowMs(session);
  await db
    .updateTable('rule')
    .set({ look_ms: looksAgain ? sql<number>`${now} + ${sql.lit(afterMs)}` : null })
    .where('id', '=', lease.rule)
    .execute();
  await db
    .updateTable('rule')
    .set({ due_ms: dueWhen(session) })
    .where('id', '=', lease.rule)
    .execute();
}
