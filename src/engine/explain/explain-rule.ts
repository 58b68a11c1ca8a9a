import { type LockState, stuckMsOf } from '../../domain/rule/lock.ts';
import type { LockRecord, RuleRecord } from '../../ports/rules.ts';
import type { ExplainPorts, StoresSeen } from './explain-ports.ts';
import { seeStores } from './explain-ports.ts';
import { describeWait } from './explain-copy.ts';
import type { RuleExplained, RuleExplanation, WaitingCopies } from './explanation.ts';
import { judgePlaces } from './judge-places.ts';

/** Copies that are looked at; of a rule with more that are stuck the first ones tell enough. */
const LOCKS_MAX = 1_000;
/** Objects among which one is looked for that lacks a copy. */
const OBJECTS_MAX = 200;

/** Undefined: there is no such rule. */
export async function explainRule(ports: ExplainPorts, id: number): Promise<RuleExplanation | undefined> {
  const rule = await ports.catalog.readRule(id);
  if (rule === undefined) return undefined;
  const seen = await seeStores(ports);
  const waiting = new Map<string, WaitingCopies>();
  let isPartial = false;
  for (const state of ['STUCK', 'REPLICATING'] as const) {
    const locks = await ports.catalog.listLocks({ rule: id, state, limit: LOCKS_MAX });
    isPartial ||= locks.length === LOCKS_MAX;
    for (const lock of locks) addUp(waiting, seen, lock, state);
  }
  const page =
    rule.missingCopies > 0
      ? await ports.catalog.readRulePage(id, { limit: OBJECTS_MAX })
      : { objects: [], dataset: undefined };
  const lacking = page.objects.find(({ locks }) => locks.length < rule.copies);
  const judged =
    lacking === undefined
      ? undefined
      : await judgePlaces(ports, seen, { rule, object: lacking, dataset: page.dataset });
  return {
    ...describeRule(rule, judged),
    waiting: [...waiting.values()].toSorted((a, b) => b.count - a.count),
    isPartial,
  };
}

/** What a rule waits for or lacks, in one sentence. */
export function describeRule(
  rule: RuleRecord,
  judged: { readonly missing: string | undefined; readonly rejected: RuleExplained['rejected'] } | undefined,
): RuleExplained {
  const { id, state, missingCopies, missingWhy, nextLookMs } = rule;
  const nothing = { rule, nextMs: undefined, rejected: [] };
  switch (state) {
    case 'WAITING_APPROVAL':
      return { ...nothing, why: `it waits until an administrator approves it (pando rule approve ${id})` };
    case 'SUSPENDED':
      return { ...nothing, why: `it is suspended until somebody resumes it (pando rule resume ${id})` };
    case 'INJECT':
      return { ...nothing, why: 'it waits for a worker to apply it (pando worker)' };
    case 'OK':
    case 'REPLICATING':
    case 'STUCK':
      if (missingCopies === 0) return { ...nothing, why: undefined };
      return {
        rule,
        why: judged?.missing ?? missingWhy ?? 'copies have no place',
        nextMs: nextLookMs,
        rejected: judged?.rejected ?? [],
      };
  }
}

function addUp(waiting: Map<string, WaitingCopies>, seen: StoresSeen, lock: LockRecord, state: LockState): void {
  const { why, nextMs } = describeWait(lock, seen);
  const store = seen.nameOf(lock.store);
  const key = JSON.stringify([store, state, why]);
  const before = waiting.get(key);
  const earliest = Math.min(before?.nextMs ?? Number.POSITIVE_INFINITY, nextMs ?? Number.POSITIVE_INFINITY);
  waiting.set(key, {
    store,
    lock: state,
    why,
    count: (before?.count ?? 0) + 1,
    example: before?.example ?? { scope: lock.scope, name: lock.name },
    nextMs: Number.isFinite(earliest) ? earliest : undefined,
    stuckMs: Math.max(before?.stuckMs ?? 0, stuckMsOf(lock.lock, seen.nowMs)),
  });
}
