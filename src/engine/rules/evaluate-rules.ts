import type { ClaimedRule } from '../../ports/rules.ts';
import { applyRule, LEASE_MS, type RulePorts } from './apply-rule.ts';

export interface EvaluateRules {
  /** Printable: who claims them. */
  readonly owner: string;
  readonly signal: AbortSignal;
  /** Only these. */
  readonly rules?: readonly number[];
}

export interface RulesEvaluated {
  /** Rules whose content was gone through to its end. */
  readonly applied: number;
  /** Rules whose last lock went. */
  readonly ended: number;
}

/** Locks that go in one transaction. */
const RELEASES = 2_000;

/**
 * Does what is due for rules: applies them to what they are about, tries again where copies had no place, and takes the locks of
 * those that ended. Returns when nothing is due now. Any number of workers may do it at once: each rule has one at a time.
 */
export async function evaluateRules(
  ports: RulePorts,
  { owner, signal, rules }: EvaluateRules,
): Promise<RulesEvaluated> {
  const { catalog } = ports;
  const done = { applied: 0, ended: 0 };
  while (!signal.aborted) {
    const [claimed] = await catalog.claimRules({
      owner,
      limit: 1,
      leaseMs: LEASE_MS,
      ...(rules === undefined ? {} : { rules }),
    });
    if (claimed === undefined) break;
    if (claimed.work === 'end') {
      if (await endRule(ports, claimed, signal)) done.ended++;
    } else if (await applyRule(ports, claimed, signal)) done.applied++;
  }
  return done;
}

async function endRule({ catalog }: RulePorts, { lease }: ClaimedRule, signal: AbortSignal): Promise<boolean> {
  for (let after: string | undefined; !signal.aborted; ) {
    const page = await catalog.releaseLocks(lease, { limit: RELEASES, ...(after === undefined ? {} : { after }) });
    if (page.next === undefined) return true;
    after = page.next;
    const [isHeld] = await catalog.renewRules([lease], LEASE_MS);
    if (isHeld !== true) return false;
  }
  return false;
}
