import { type RawBuilder, sql } from 'kysely';
import type { StuckReason } from '../../domain/rule/stuck-reason.ts';
import { type FactChange, isHelpedBy } from '../../domain/rule/stuck-reason.ts';
import type { RuleCatalog } from '../../ports/rules.ts';
import { lockCode, stateCode, TOMBSTONE } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session } from '../session.ts';
import { Claims } from './claims.ts';
import { letAllGo, letCopiesOfRuleGo, letWaitingGo } from './request-desk.ts';
import { LOCKS_PER_MS } from './rule-counts.ts';
import { lockObjectsById, type SeenLock, seeLocks, seeObjects, seeReplicas } from './seen.ts';
import { tellContentChanged } from './tell-rule.ts';
import { pairKey } from './watch-objects.ts';

/** Locks tried again by one call. */
const RETRIED_MAX = 10_000;
const STUCK = sql.lit(lockCode('STUCK'));

/** Stuck locks whose time has come. Those of rules that are suspended or end wait without a time, until somebody resumes them. */
export async function retryStuck(session: Session, limit: number): Promise<number> {
  const due = await findDue(session, Math.min(limit, RETRIED_MAX));
  const objects = [...new Set(due.map(([object]) => object))];
  await lockObjectsById(session, objects);
  const wanted = new Set(due.map(([object, store]) => pairKey(object, store)));
  const resting = await restLocks(session, due);
  const replicas = Map.groupBy(await seeReplicas(session, objects), ({ object }) => object);
  const locks = (await seeLocks(session, objects)).filter((lock) => wanted.has(pairKey(lock.object, lock.store)));
  const claims = new Claims();
  const placedAnew = new Set<number>();
  let retried = 0;
  const known = new Map((await seeObjects(session, objects)).map((object) => [object.id, object]));
  for (const [, here] of Map.groupBy(locks, ({ object, store }) => pairKey(object, store))) {
    const [first] = here as [SeenLock];
    const object = known.get(first.object);
    const stuck = here.filter(({ state, rule }) => state === lockCode('STUCK') && !resting.has(rule));
    if (object === undefined || object.kind === TOMBSTONE || stuck.length === 0) continue;
    const others = replicas.get(object.id)?.filter(({ store }) => store === first.store) ?? [];
    const current = others.find(({ version }) => version === object.current);
    const isGoing = current?.state === stateCode('BEING_DELETED');
    retried += stuck.length;
    if (others[0] === undefined) {
      // Where it would lie there only the store's path algorithm says, which whoever applies the rule asks.
      for (const lock of stuck) {
        claims.removeLock(lock, object.bytes);
        placedAnew.add(lock.rule);
      }
      continue;
    }
    claims.claims.push({
      object,
      store: first.store,
      locks: stuck.map((owner) => ({ owner, before: owner.state, to: 'REPLICATING' })),
      copyTo: current === undefined ? { place: others[0].place } : undefined,
      request: isGoing ? 'after-delete' : 'now',
    });
  }
  await claims.write(session);
  await tellContentChanged(session, placedAnew);
  return retried;
}

type DueLock = readonly [object: number, store: number, rule: number];

async function findDue(session: Session, limit: number): Promise<readonly DueLock[]> {
  const query = sql`select object, store, rule from lock where retry_ms is not null and retry_ms <= ${nowMs(session)}
    order by retry_ms limit ${limit}`;
  return session.arrays<DueLock>({ compile: () => query.compile(session.db) });
}

/** Rules for which nothing is tried again now. Their locks lose their time, so that nobody looks at them again and again. */
async function restLocks(session: Session, due: readonly DueLock[]): Promise<ReadonlySet<number>> {
  const ids = [...new Set(due.map(([, , rule]) => rule))];
  if (ids.length === 0) return new Set();
  const rules = await session.db
    .selectFrom('rule')
    .select('id')
    .where('id', 'in', ids)
    .where((is) => is.or([is('state', '=', 'SUSPENDED'), is('ended_ms', 'is not', null)]))
    .execute();
  const resting = new Set(rules.map(({ id }) => id));
  for (const [object, store, rule] of due) {
    if (!resting.has(rule)) continue;
    await session.db
      .updateTable('lock')
      .set({ retry_ms: null })
      .where('object', '=', object)
      .where('store', '=', store)
      .where('rule', '=', rule)
      .execute();
  }
  return resting;
}

export async function listFailingStores(session: Session): Promise<readonly string[]> {
  const { rows } = await sql<{ store: number }>`select distinct store from lock
    where retry_ms > ${nowMs(session)} and reason = ${'destination-fails' satisfies StuckReason['kind']}`.execute(
    session.db,
  );
  return Promise.all(rows.map(({ store }) => session.known.stores.textOf(session, store)));
}

/** Who waits is spread over so long, so that a store that comes back is not met by all at once. */
const SPREAD_MS = 60_000;

const REASONS: readonly StuckReason['kind'][] = [
  'no-source',
  'sources-fail',
  'destination-fails',
  'destination-full',
  'destination-refuses',
];

export async function hasten(session: Session, change: Parameters<RuleCatalog['hasten']>[0]): Promise<number> {
  const { fact, rule } = change;
  const store = change.store === undefined ? undefined : await session.known.stores.requireId(session, change.store);
  const helped = REASONS.filter((kind) => isHelpedBy(kind, fact));
  // What fails at the destination is helped by a change there; a source may be any store.
  const anywhere = helped.filter((kind) => store === undefined || !kind.startsWith('destination'));
  const now = nowMs(session);
  const spread = (id: RawBuilder<unknown>) =>
    fact === 'asked' ? now : sql<number>`${now} + (${id} * 7919) % ${sql.lit(SPREAD_MS)}`;
  const soon = spread(sql`(object + store)`);
  const { rows } = await sql<{ object: number }>`
    update lock set retry_ms = ${soon}
    where retry_ms > ${soon} and state = ${STUCK}
      and (${within('reason', anywhere)} ${store === undefined ? sql`` : sql`or (store = ${store} and ${within('reason', helped)})`})
      ${rule === undefined ? sql`` : sql`and rule = ${rule}`}
    returning object`.execute(session.db);
  const ofRule = rule === undefined || fact !== 'asked' ? 0 : await letCopiesOfRuleGo(session, rule);
  const letGo = ofRule + (store === undefined ? 0 : await letGoAt(session, store, fact));
  if (!isHelpedBy('no-store', fact)) return rows.length + letGo;
  // To look at a rule takes as long as it has locks: where room is freed all the time it is not looked at all the time.
  const isRoom = fact === 'space-freed';
  const costMs = isRoom ? sql` + (ok + replicating + stuck) / ${sql.lit(LOCKS_PER_MS)}` : sql``;
  const later = sql<number>`${spread(sql`id`)}${costMs}`;
  const looked = await sql<{ id: number }>`
    update rule set look_ms = ${later}, due_ms = case when owner is null then ${later} else due_ms end
    where look_ms > ${later} and due_ms is not null and ended_ms is null ${rule === undefined ? sql`` : sql`and id = ${rule}`}
      ${isRoom ? sql`and missing_room = 1` : sql``}
    returning id`.execute(session.db);
  return rows.length + letGo + looked.rows.length;
}

async function letGoAt(session: Session, store: number, fact: FactChange): Promise<number> {
  if (fact === 'source-appeared') return 0;
  return fact === 'asked' ? letAllGo(session, store) : letWaitingGo(session, store);
}

function within(column: string, kinds: readonly string[]): RawBuilder<unknown> {
  return kinds.length === 0 ? sql`1 = 0` : sql`${sql.ref(column)} in (${sql.join(kinds)})`;
}
