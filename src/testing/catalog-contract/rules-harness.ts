import { PLAIN_RULE } from '../../domain/rule/rule.ts';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { ClaimedRule, NewRule, RulePageOutcome, RuleRecord, TransferOutcome } from '../../ports/rules.ts';
import type { CatalogContract, TestScope } from './harness.ts';

/** A rule about every object of the scope, unless told otherwise. */
export function ruleOver(scope: TestScope, words: Partial<NewRule> = {}): NewRule {
  return {
    ...PLAIN_RULE,
    account: 'alice',
    targets: [{ kind: 'pattern', scope: scope.name, pattern: '*' }],
    copies: 1,
    expression: '*',
    grouping: 'none',
    activity: 'test',
    needsApproval: false,
    ...words,
  };
}

/** Adds a rule that must be new. */
export async function addRule(contract: CatalogContract, rule: NewRule): Promise<number> {
  const added = await contract.catalog.addRule(rule);
  if (added.kind !== 'added') throw new Error(`the rule was not added: ${JSON.stringify(added)}`);
  return added.id;
}

/** Claims what is due and keeps these rules; the others are given back. */
export async function claimRulesOnly(
  contract: CatalogContract,
  rules: readonly number[],
): Promise<readonly ClaimedRule[]> {
  const claimed = await contract.catalog.claimRules({ owner: 'evaluator', limit: 1000, leaseMs: 60_000 });
  const others = claimed.filter(({ lease }) => !rules.includes(lease.rule));
  await contract.catalog.renewRules(
    others.map(({ lease }) => lease),
    0,
  );
  return claimed.filter(({ lease }) => rules.includes(lease.rule));
}

/** Claims one rule, which must be due. */
export async function claimRule(contract: CatalogContract, rule: number): Promise<ClaimedRule> {
  const [claimed] = await claimRulesOnly(contract, [rule]);
  if (claimed === undefined) throw new Error(`rule ${rule} is not due`);
  return claimed;
}

export interface ApplyOptions {
  readonly pageSize?: number;
  readonly missingCopies?: number;
  readonly quotas?: RulePageOutcome['quotas'];
  /** Key of a copy; `scope/name` unless told otherwise. */
  readonly placeOf?: (name: string) => string;
}

/** Applies a rule page by page: one lock at each of these stores for each object, and locks elsewhere go. */
export async function applyRule(
  contract: CatalogContract,
  rule: number,
  stores: readonly string[],
  options: ApplyOptions = {},
): Promise<RuleRecord> {
  const { lease, position } = await claimRule(contract, rule);
  await releaseAll(contract, lease);
  let after = position;
  let record: RuleRecord | undefined;
  let isFirst = position === undefined;
  do {
    const limit = options.pageSize ?? 100;
    const page = await contract.catalog.readRulePage(rule, { limit, ...(after === undefined ? {} : { after }) });
    const applied = await contract.catalog.applyRulePage({
      lease,
      isFirst,
      position: page.next,
      missingCopies: page.next === undefined ? (options.missingCopies ?? 0) : 0,
      missingWhy: options.missingCopies === undefined ? undefined : 'there are too few stores',
      lookAgainAfterMs: 0,
      ...(options.quotas === undefined ? {} : { quotas: options.quotas }),
      events: [],
      objects: page.objects.map(({ id, versionId, scope, name, locks }) => ({
        id,
        versionId,
        locks: stores
          .filter((store) => locks.every((lock) => lock.store !== store))
          .map((store) => ({ store, place: options.placeOf?.(name) ?? `${scope}/${name}` })),
        releases: locks.filter(({ store }) => !stores.includes(store)).map(({ store }) => ({ store, purge: false })),
      })),
    });
    if (applied.kind !== 'applied') throw new Error(`the page was not applied: ${JSON.stringify(applied)}`);
    record = applied.rule;
    after = page.next;
    isFirst = false;
  } while (after !== undefined);
  return record;
}

/** All that is to go, page by page. */
export async function releaseAll(contract: CatalogContract, lease: ClaimedRule['lease'], limit = 100): Promise<number> {
  let after: string | undefined;
  let count = 0;
  do {
    const { released, next } = await contract.catalog.releaseLocks(lease, {
      limit,
      ...(after === undefined ? {} : { after }),
    });
    count += released;
    after = next;
  } while (after !== undefined);
  return count;
}

/** Ends a rule and lets all of its locks go. */
export async function endRule(contract: CatalogContract, rule: number): Promise<void> {
  const told = await contract.catalog.tellRule(rule, 'deleted');
  if (told.kind !== 'ended') throw new Error(`the rule did not end: ${JSON.stringify(told)}`);
  const { lease, work } = await claimRule(contract, rule);
  if (work !== 'end') throw new Error('a rule that has ended is not to be applied');
  await releaseAll(contract, lease);
}

const NOTHING = { attempt: undefined, soft: false, stuck: undefined, doubtedSources: [], bytes: 0, busyMs: 0 };

export function arrival(request: ClaimedRequest, options: Partial<TransferOutcome> = {}): TransferOutcome {
  return {
    ...NOTHING,
    lease: request.lease,
    request: { state: 'DONE' },
    replica: {
      state: 'AVAILABLE',
      place: `${request.scope}/${request.name}`,
      token: `token ${request.versionId}`,
      verification: 'written',
    },
    ...options,
  };
}

/** The attempts are used up. */
export function failure(request: ClaimedRequest, options: Partial<TransferOutcome> = {}): TransferOutcome {
  const why = 'it failed each time';
  return {
    ...NOTHING,
    lease: request.lease,
    request: { state: 'FAILED', attempts: request.attempts, timesStuck: 1, afterMs: 0, why },
    replica: { state: 'UNAVAILABLE', place: '', token: undefined, verification: 'none' },
    stuck: { kind: 'destination-fails', detail: why },
    ...options,
  };
}

export function postponement(request: ClaimedRequest, options: Partial<TransferOutcome> = {}): TransferOutcome {
  return {
    ...NOTHING,
    lease: request.lease,
    request: { state: 'QUEUED', attempts: request.attempts, timesStuck: 0, afterMs: 0, why: 'it failed' },
    replica: undefined,
    ...options,
  };
}
