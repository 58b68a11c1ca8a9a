import type { RulePage, StoreUse } from '../../ports/rules.ts';
import type { RuleWords } from '../../domain/rule/rule.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { Stores } from '../stores/store-access.ts';
import { LinkChoice } from './link-choice.ts';
import { PlanTally } from './plan-tally.ts';
import type { Plan, PlanPorts } from './plan-types.ts';
import { PlannedUse, RulePlanner } from './rule-planner.ts';

/** Objects placed at a time. */
const PAGE_OBJECTS = 1_000;

export interface PlanRule {
  readonly words: RuleWords;
  /** The rule that would be changed; undefined: there is none yet. */
  readonly changes: number | undefined;
  readonly signal: AbortSignal;
}

/**
 * What a rule would do, page by page as it would be applied (docs/audit.md, "Plans"); nothing is written. Where the plan is stopped, it
 * tells what it came to.
 */
export async function planRule(ports: PlanPorts, { words, changes, signal }: PlanRule): Promise<Plan> {
  const { catalog } = ports;
  const use = await catalog.readStoreUse();
  const stores = heedSaid(ports.stores, use);
  const id = changes ?? (await nextRuleId(ports));
  const planner = new RulePlanner({
    rule: { ...words, id },
    stores,
    now: await readNow(ports, words.account, use),
    planned: new PlannedUse(),
    restOf: (dataset) =>
      changes === undefined ? catalog.sumTargetGroup(words.targets, dataset) : catalog.sumRuleGroup(changes, dataset),
  });
  const links = linksOf(ports, stores, { use, sourceExpression: words.sourceExpression });
  const tally = new PlanTally();
  const pages = pagesOf((query) =>
    changes === undefined ? catalog.readTargetPage(words.targets, query) : catalog.readRulePage(changes, query),
  );
  for await (const page of pages) {
    if (signal.aborted) break;
    for (const planned of await planner.place(page)) {
      const { object, copies, there, releases } = planned;
      const { bytes } = object;
      tally.objects++;
      tally.bytes += bytes;
      for (const store of copies) tally.copy({ to: store.place, way: links.way(object.replicas, store), bytes });
      for (const place of there) tally.at(place).there++;
      for (const place of releases) {
        tally.at(place).released++;
        tally.at(place).releasedBytes += bytes;
      }
      if (planned.missingCopies > 0) tally.miss(planned);
    }
  }
  return tally.plan(stores, use);
}

/** Chance decides among equal stores by the rule's number: with the next one the plan draws as the rule will. */
async function nextRuleId({ catalog }: PlanPorts): Promise<number> {
  let last = 0;
  for (;;) {
    const page = await catalog.listRules({ after: last, limit: PAGE_OBJECTS });
    last = page.at(-1)?.id ?? last;
    if (page.length < PAGE_OBJECTS) return last + 1;
  }
}

export async function readNow({ catalog }: PlanPorts, account: string, use: readonly StoreUse[]) {
  const [quotas, accountUse] = await Promise.all([catalog.listQuotas(account), catalog.readAccountUse(account)]);
  return { use, quotas, accountUse };
}

export function linksOf(
  { topology, clientSite }: PlanPorts,
  stores: Stores,
  given: { readonly use: readonly StoreUse[]; readonly sourceExpression: string | undefined },
): LinkChoice {
  return new LinkChoice({ ...given, stores, topology, clientSite });
}

export async function* pagesOf(
  read: (query: { readonly after?: string; readonly limit: number }) => Promise<RulePage>,
): AsyncGenerator<RulePage> {
  for (let after: string | undefined; ; ) {
    const page = await read({ limit: PAGE_OBJECTS, ...(after === undefined ? {} : { after }) });
    yield page;
    if (page.next === undefined) return;
    after = page.next;
  }
}
