import { addCounts, countsDelta, type LockCounts, NO_LOCKS } from '../../domain/rule/lock-counts.ts';
import type { RuleWords } from '../../domain/rule/rule.ts';
import type { NewEvent } from '../../ports/catalog.ts';
import { lockName } from '../codes.ts';
import type { Session, SetStatement, SqlValue } from '../session.ts';
import { recordEvents } from '../verbs/events.ts';

/** Sums what changes of locks add to the counts of their rules. */
export class CountDeltas {
  readonly #rules = new Map<number, LockCounts>();

  /** Undefined: the lock was not there before, or is not after. */
  add(rule: number, before: number | undefined, after: number | undefined): void {
    const delta = countsDelta(before === undefined ? undefined : lockName(before), nameOf(after));
    this.#rules.set(rule, addCounts(this.#rules.get(rule) ?? NO_LOCKS, delta));
  }

  rows(): SqlValue[][] {
    const rules = [...this.#rules].sort(([a], [b]) => a - b);
    return rules
      .filter(([, { ok, replicating, stuck }]) => ok !== 0 || replicating !== 0 || stuck !== 0)
      .map(([rule, { ok, replicating, stuck }]) => [rule, ok, replicating, stuck]);
  }
}

function nameOf(code: number | undefined) {
  return code === undefined ? undefined : lockName(code);
}

/** SQL expression: the state of a rule that is applied, from its counts (the same as `deriveRuleState` of the domain). */
function derivedState(counts: { readonly replicating: string; readonly stuck: string; readonly missing: string }) {
  return `case when ${counts.stuck} > 0 or ${counts.missing} > 0 then 'STUCK'
    when ${counts.replicating} > 0 then 'REPLICATING' else 'OK' end`;
}

const count: SetStatement = {
  columns: { rule: 'int', ok: 'int', replicating: 'int', stuck: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set ok = rule.ok + r.ok, replicating = rule.replicating + r.replicating, stuck = rule.stuck + r.stuck,
       state = case when rule.state in ('OK', 'REPLICATING', 'STUCK') then ${derivedState({
         replicating: 'rule.replicating + r.replicating',
         stuck: 'rule.stuck + r.stuck',
         missing: 'rule.missing',
       })} else rule.state end,
       look_ms = ${lookForStuck(nowMs, 'rule.look_ms')},
       due_ms = case when rule.owner is null then ${lookForStuck(nowMs, 'rule.due_ms')} else rule.due_ms end,
       updated_ms = ${nowMs}
     from ${rows} where rule.id = r.rule
     returning rule.id, rule.state, rule.ok, rule.replicating + rule.stuck + rule.missing, rule.notify, rule.told, rule.replaces`,
};

/** Locks that are gone through in a millisecond where a rule is placed anew. */
export const LOCKS_PER_MS = 10;

/**
 * SQL expression: an object whose copy got stuck may have a place elsewhere, so its rule is looked at again: soon, and the later the
 * more locks it has, so that no more than half of the time goes into looking. Objects that have to stay together stay where they are.
 * What waits to be looked at again may wait for copies to be there, and is when the last one is, though other locks are stuck.
 */
function lookForStuck(now: string, before: string): string {
  const isStuckAlone = `r.stuck > 0 and rule.grouping <> 'all'`;
  const isLastThere = `r.stuck <= 0 and r.replicating < 0 and rule.replicating + r.replicating = 0
    and rule.missing = 0 and rule.look_ms is not null`;
  const soon = `${now} + (rule.ok + rule.replicating + rule.stuck) / ${LOCKS_PER_MS}`;
  return `case when rule.state not in ('OK', 'REPLICATING', 'STUCK') or not ((${isStuckAlone}) or (${isLastThere})) then ${before}
    when ${before} is null or ${before} > ${soon} then ${soon} else ${before} end`;
}

export type Counted = readonly [
  rule: number,
  state: string,
  ok: number,
  others: number,
  notify: string | null,
  told: number,
  replaces: number | null,
];

/** Adds the sums to their rules, derives their states, and tells who waits for that. */
export async function keepCounts(session: Session, deltas: CountDeltas): Promise<void> {
  const counted = await session.all<Counted>(count, deltas.rows());
  await lookAtComplete(session, counted);
  await tellCounted(session, counted);
}

const lookNow: SetStatement = {
  columns: { rule: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set look_ms = ${nowMs}, due_ms = case when rule.owner is null then ${nowMs} else rule.due_ms end
     from ${rows} where rule.id = r.rule and rule.look_ms > ${nowMs} and rule.ended_ms is null`,
};

/** What has all its copies by now and is to be looked at again waits for just that: locks that were to go once the others are there. */
async function lookAtComplete(session: Session, counted: readonly Counted[]): Promise<void> {
  await session.run(
    lookNow,
    counted.flatMap(([rule, state]) => (state === 'OK' ? [[rule]] : [])),
  );
}

const noteTold: SetStatement = {
  columns: { rule: 'int', told: 'int' },
  text: (rows) => `update rule set told = r.told from ${rows} where rule.id = r.rule`,
};

const endReplaced: SetStatement = {
  columns: { replaced: 'int' },
  text: (rows, { nowMs }) =>
    `update rule set ended_ms = ${nowMs}, due_ms = ${nowMs}, owner = null, token = rule.token + 1 from ${rows}
     where rule.id = r.replaced and rule.ended_ms is null and rule.locked = 0`,
};

const OK_TOLD = 10;

/** Ends what rules that are `OK` by now replace, and notes as events what their owners want to hear. */
export async function tellCounted(session: Session, counted: readonly Counted[]): Promise<void> {
  const told: SqlValue[][] = [];
  const events: NewEvent[] = [];
  const replaced: SqlValue[][] = [];
  for (const [rule, state, ok, others, notify, before, replaces] of counted) {
    if (replaces !== null && state === 'OK') replaced.push([replaces]);
    if (notify === null) continue;
    const level =
      state === 'OK' ? OK_TOLD : Math.min(OK_TOLD - 1, Math.floor((OK_TOLD * ok) / Math.max(1, ok + others)));
    if (level === before) continue;
    told.push([rule, level]);
    if (level < before || (level < OK_TOLD && notify !== ('progress' satisfies RuleWords['notify']))) continue;
    const kind = level === OK_TOLD ? 'rule-became-ok' : 'rule-progressed';
    events.push({ kind, scope: '', detail: `rule ${rule}: ${ok} of ${ok + others} copies` });
  }
  await session.run(endReplaced, replaced);
  await session.run(noteTold, told);
  await recordEvents(session, events);
}
