import { sql } from 'kysely';
import type { RuleCatalog, RuleLease } from '../../ports/rules.ts';
import type { Session, SetStatement } from '../session.ts';
import { expectTakingBack, takeBackVersions } from '../uploads/take-back-versions.ts';
import { Claims } from './claims.ts';
import { releaseClaims } from './release-claims.ts';
import type { RuleRow } from './rule-row.ts';
import { findDetached, readContent } from './rule-content.ts';
import { lockObjectsById, type SeenLock, type SeenObject, seeObjects } from './seen.ts';

/** Locks looked at by one call. */
const PAGE_MAX = 10_000;

type Position = readonly [object: number, store: number];
type Released = Awaited<ReturnType<RuleCatalog['releaseLocks']>>;

export async function releaseLocks(
  session: Session,
  lease: RuleLease,
  query: Parameters<RuleCatalog['releaseLocks']>[1],
): Promise<Released> {
  const { db } = session;
  const row = await db.selectFrom('rule').selectAll().where('id', '=', lease.rule).executeTakeFirst();
  if (row === undefined || row.token !== lease.token || row.owner === null) return { released: 0, next: undefined };
  const limit = Math.min(Math.max(1, query.limit), PAGE_MAX);
  const page = await readLocks(session, row.id, { after: query.after, limit });
  const gone = row.ended_ms === null ? await keepHeld(session, row.id, page) : page;
  await release(session, row, gone);
  const last = page.at(-1);
  const next = page.length < limit || last === undefined ? undefined : JSON.stringify(last satisfies Position);
  if (next === undefined && row.ended_ms !== null) await forgetRule(session, row.id);
  return { released: gone.length, next };
}

async function readLocks(
  session: Session,
  rule: number,
  { after, limit }: { readonly after: string | undefined; readonly limit: number },
): Promise<readonly Position[]> {
  const [object, store] = after === undefined ? [0, 0] : (JSON.parse(after) as Position);
  const query = sql`select object, store from lock where rule = ${rule} and (object, store) > (${object}, ${store})
    order by object, store limit ${limit}`;
  return session.arrays<Position>({ compile: () => query.compile(session.db) });
}

/** Locks on objects that the content does not hold any more. */
async function keepHeld(session: Session, rule: number, page: readonly Position[]): Promise<readonly Position[]> {
  const content = await readContent(session, rule, false);
  if (content === undefined) return [];
  const objects = [...new Set(page.map(([object]) => object))];
  const detached = new Set(await findDetached(session, content, objects));
  const gone = page.filter(([object]) => detached.has(object));
  const coming = new Set(
    (
      await session.all<[at: number]>(
        uploads,
        gone.map(([object, store], at) => [at, object, store]),
      )
    ).map(([at]) => at),
  );
  return gone.filter((_, at) => !coming.has(at));
}

/** What is being uploaded becomes a member when its bytes are there; until then the lock of its upload's rule is ahead of the content. */
const uploads: SetStatement = {
  columns: { i: 'int', object: 'int', store: 'int' },
  text: (rows) =>
    `select r.i from ${rows} join object o on o.id = r.object join request q on q.version = o.current and q.store = r.store
     where q.kind = 'copy' and q.reason = 'upload' and q.state <> 'CANCELLED'`,
};

const ownLocks: SetStatement = {
  columns: { object: 'int', store: 'int', rule: 'int' },
  text: (rows) =>
    `select l.object, l.store, l.state from ${rows}
     join lock l on l.object = r.object and l.store = r.store and l.rule = r.rule`,
};

async function release(session: Session, row: RuleRow, locks: readonly Position[]): Promise<void> {
  if (locks.length === 0) return;
  const ids = [...new Set(locks.map(([object]) => object))];
  await lockObjectsById(session, ids);
  const objects = new Map((await seeObjects(session, ids)).map((object) => [object.id, object]));
  const still = await session.all<[object: number, store: number, state: number]>(
    ownLocks,
    locks.map(([object, store]) => [object, store, row.id]),
  );
  const { id: rule, account, priority, activity, source_expression: sourceExpression } = row;
  const claims = new Claims();
  for (const [object, store, state] of still) {
    const lock: SeenLock = { object, store, state, rule, account, priority, activity, sourceExpression };
    claims.removeLock(lock, (objects.get(object) as SeenObject).bytes);
  }
  const expected = await expectTakingBack(session, ids);
  const purge = row.purge === 1;
  await releaseClaims(
    session,
    still.map(([object, store]) => ({ object, store, rule, purge })),
    claims,
  );
  await claims.write(session);
  await takeBackVersions(session, expected);
}

/** It had no lock left when the page was read; one made since would be of a lease that is lost. */
async function forgetRule(session: Session, rule: number): Promise<void> {
  const { db } = session;
  const left = await db.selectFrom('lock').select('object').where('rule', '=', rule).limit(1).execute();
  if (left.length > 0) return;
  await db.deleteFrom('rule_target').where('rule', '=', rule).execute();
  await db.deleteFrom('rule').where('id', '=', rule).execute();
}
