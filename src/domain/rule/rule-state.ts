import { refuse, type Transition } from '../transition.ts';
import type { LockCounts } from './lock-counts.ts';

export type RuleState = RuleStatus['state'];
export const RULE_STATES: readonly RuleState[] = [
  'WAITING_APPROVAL',
  'INJECT',
  'REPLICATING',
  'OK',
  'STUCK',
  'SUSPENDED',
];

/**
 * Where a rule stands (docs/states.md, "Rules").
 *
 * - `WAITING_APPROVAL`: nothing is done before somebody approves it.
 * - `INJECT`: accepted, and being applied page by page. `again`: its content changed behind the page it is at.
 * - `SUSPENDED`: nothing is queued or tried again for it; what it has it keeps. Not `isApplied`: begins with `INJECT` when resumed.
 * - `REPLICATING`, `OK`, `STUCK`: derived from its locks.
 */
export type RuleStatus =
  | { readonly state: 'WAITING_APPROVAL' | 'REPLICATING' | 'OK' | 'STUCK' }
  | { readonly state: 'INJECT'; readonly again: boolean }
  | { readonly state: 'SUSPENDED'; readonly isApplied: boolean };

/**
 * - `content-changed`: by more than is applied in the transaction that changed it. Told twice, it is applied once more.
 * - `applied`: the last page is done; told in its transaction, so once a round.
 * - `counted`: its locks changed.
 * - `denied`, `deleted`, `expired`, `replaced`: it ends; replaced, because the rule it was moved to is `OK`.
 */
export type RuleEvent =
  | 'approved'
  | 'denied'
  | 'suspended'
  | 'resumed'
  | 'content-changed'
  | 'applied'
  | 'counted'
  | 'deleted'
  | 'expired'
  | 'replaced';

export interface RuleFacts {
  readonly counts: LockCounts;
  /** Copies for which no store was found, so that there is no lock either. */
  readonly missingCopies: number;
  /** It refuses to end. */
  readonly isLocked: boolean;
}

/** `ended`: its locks go, and the replicas only it claimed are released. */
export type RuleTransition = Transition<RuleStatus> | { readonly kind: 'ended' };

/** The same case distinction is written in SQL where counts change by pages. */
export function deriveRuleState(
  counts: LockCounts,
  missingCopies: number,
): Extract<RuleState, 'STUCK' | 'REPLICATING' | 'OK'> {
  if (counts.stuck > 0 || missingCopies > 0) return 'STUCK';
  return counts.replicating > 0 ? 'REPLICATING' : 'OK';
}

export function transitionRule(status: RuleStatus, event: RuleEvent, facts: RuleFacts): RuleTransition {
  switch (event) {
    case 'deleted':
    case 'expired':
    case 'replaced':
      return facts.isLocked ? refuse('the rule is locked') : { kind: 'ended' };
    case 'denied':
      return status.state === 'WAITING_APPROVAL' ? { kind: 'ended' } : refuse('it does not wait for approval');
    case 'approved':
      return compare(status, status.state === 'WAITING_APPROVAL' ? { state: 'INJECT', again: false } : status);
    case 'suspended':
    case 'resumed':
    case 'content-changed':
    case 'applied':
    case 'counted':
      return changeWork(status, event, facts);
  }
}

type WorkEvent = 'suspended' | 'resumed' | 'content-changed' | 'applied' | 'counted';

function changeWork(status: RuleStatus, event: WorkEvent, facts: RuleFacts): RuleTransition {
  const derived = { state: deriveRuleState(facts.counts, facts.missingCopies) } as const;
  switch (status.state) {
    case 'WAITING_APPROVAL':
      // All of its content is looked at once it is approved.
      return event === 'content-changed' ? compare(status, status) : refuse('it waits for approval, and has no locks');
    case 'INJECT':
      if (event === 'suspended') return compare(status, { state: 'SUSPENDED', isApplied: false });
      if (event === 'content-changed') return compare(status, { state: 'INJECT', again: true });
      if (event !== 'applied') return compare(status, status);
      return compare(status, status.again ? { state: 'INJECT', again: false } : derived);
    case 'SUSPENDED':
      if (event === 'applied') return refuse('it is suspended: it is applied from its first page when it is resumed');
      if (event === 'content-changed') return compare(status, { state: 'SUSPENDED', isApplied: false });
      if (event !== 'resumed') return compare(status, status);
      return compare(status, status.isApplied ? derived : { state: 'INJECT', again: false });
    case 'REPLICATING':
    case 'OK':
    case 'STUCK':
      if (event === 'suspended') return compare(status, { state: 'SUSPENDED', isApplied: true });
      if (event === 'content-changed') return compare(status, { state: 'INJECT', again: false });
      return event === 'counted' ? compare(status, derived) : compare(status, status);
  }
}

function compare(before: RuleStatus, to: RuleStatus): Transition<RuleStatus> {
  const isSame =
    before.state === to.state &&
    !(before.state === 'INJECT' && to.state === 'INJECT' && before.again !== to.again) &&
    !(before.state === 'SUSPENDED' && to.state === 'SUSPENDED' && before.isApplied !== to.isApplied);
  return isSame ? { kind: 'unchanged', to: before } : { kind: 'moved', to };
}
