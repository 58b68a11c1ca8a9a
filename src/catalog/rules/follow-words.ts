import { sql } from 'kysely';
import { lockCode } from '../codes.ts';
import { nowMs } from '../now.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import type { LockOwner } from './seen.ts';

const OF_RULES = `request.kind = 'copy' and request.reason = 'rule' and request.due_ms is not null`;
/** What is under way goes on as it began, and its tool is told how urgent it is by now. */
const WAITS = `${OF_RULES} and request.state <> 'SUBMITTED'`;
const IS_UNDER_WAY = `${OF_RULES} and request.state = 'SUBMITTED'`;

/**
 * The copies that wait for this rule are asked for in its words of now: of several rules that want one copy, in those of the most urgent.
 */
export async function followWords(session: Session, rule: number): Promise<void> {
  await sql`update request set
      (priority, activity, source_expression) = (
        select u.priority, u.activity, u.source_expression from lock l join rule u on u.id = l.rule
        where ${isOf('l')} order by u.priority, u.id limit 1),
      lane = null, updated_ms = ${nowMs(session)}
    where ${isFor(rule, WAITS)}`.execute(session.db);
  await sql`update request set priority = (
      select min(u.priority) from lock l join rule u on u.id = l.rule where ${isOf('l')})
    where ${isFor(rule, IS_UNDER_WAY)}`.execute(session.db);
}

/** Called before the rule is locked: requests come before rules, or who settles them waits crosswise. */
export async function lockWaiting(session: Session, rule: number): Promise<void> {
  await sql`select id from request where ${isFor(rule, OF_RULES)} order by id ${sql.raw(session.engine.forUpdate)}`.execute(
    session.db,
  );
}

function isFor(rule: number, which: string) {
  return sql`${sql.raw(which)} and exists (select 1 from lock o where o.rule = ${rule} and ${isOf('o')})`;
}

function isOf(lock: string) {
  return sql`${sql.ref(lock)}.object = request.object and ${sql.ref(lock)}.store = request.store
    and ${sql.ref(lock)}.state <> ${sql.lit(lockCode('OK'))}`;
}

/** A copy that is asked for already is wanted by one more rule. */
export interface CopyJoined {
  readonly version: number;
  readonly store: number;
  readonly owner: Pick<LockOwner, 'priority' | 'activity' | 'sourceExpression'>;
}

const join: SetStatement = {
  columns: { version: 'int', store: 'int', priority: 'int', activity: 'text', source_expression: 'text' },
  text: (rows, engine) =>
    `update request set priority = r.priority, activity = r.activity, source_expression = r.source_expression,
       lane = null, updated_ms = ${engine.nowMs}
     from ${rows} where request.version = r.version and request.store = r.store and ${WAITS}
       and request.priority > r.priority`,
};

const hurry: SetStatement = {
  columns: { version: 'int', store: 'int', priority: 'int' },
  text: (rows) =>
    `update request set priority = r.priority
     from ${rows} where request.version = r.version and request.store = r.store and ${IS_UNDER_WAY}
       and request.priority > r.priority`,
};

/** Where the new rule is the more urgent one, its words are those of the copy. */
export async function joinCopies(session: Session, copies: readonly CopyJoined[]): Promise<void> {
  await session.run(
    hurry,
    copies.map(({ version, store, owner }) => [version, store, owner.priority]),
  );
  await session.run(
    join,
    copies.map(({ version, store, owner: { priority, activity, sourceExpression } }): SqlValue[] => [
      version,
      store,
      priority,
      activity,
      sourceExpression,
    ]),
  );
}
