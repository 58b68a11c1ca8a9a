import { formatObjectName } from '../../domain/object/object-name.ts';
import { isGoodReplica } from '../stores/good-replica.ts';
import { isLost } from '../../domain/replica/lost.ts';
import type { RuleObject, RulePage, RuleRecord, StoreUse } from '../../ports/rules.ts';
import { ExternalSort } from '../external-sort.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { Stores } from '../stores/store-access.ts';
import { linksOf, pagesOf, readNow } from './plan-rule.ts';
import { PlanTally } from './plan-tally.ts';
import { type LossPlan, NAMES_KEPT, type PlanPorts } from './plan-types.ts';
import { PlannedUse, RulePlanner } from './rule-planner.ts';

export interface PlanLoss {
  /** Place of the store. */
  readonly store: string;
  readonly signal: AbortSignal;
}

/** Copies kept in memory; two rules that ask for the same copy ask for it once. */
const COPIES_IN_MEMORY = 100_000;
/** Rules of one page. */
const PAGE_RULES = 1_000;

interface WantedCopy {
  readonly object: number;
  readonly to: string;
  readonly way: readonly string[] | undefined;
  readonly bytes: number;
}

/** What would be, were a store gone for good: what is lost with it, and what its rules would copy from where to where. Writes nothing. */
export async function planLoss(ports: PlanPorts, { store, signal }: PlanLoss): Promise<LossPlan> {
  const use = await ports.catalog.readStoreUse();
  const all = heedSaid(ports.stores, use);
  const stores: Stores = new Map([...all].filter(([place]) => place !== store));
  const tally = new PlanTally();
  const held = await countHeld(ports, { store, stores, tally, signal });
  await using scratch = ports.openScratch();
  const wanted = new ExternalSort<WantedCopy>({
    scratch,
    keyOf: ({ object, to }) => `${object} ${to}`,
    encode: ({ object, to, way, bytes }) => JSON.stringify([object, to, way ?? null, bytes]),
    decode: decodeWanted,
    inMemory: COPIES_IN_MEMORY,
  });
  const rules: LossPlan['rules'][number][] = [];
  const planned = new PlannedUse();
  for await (const rule of rulesOf(ports)) {
    if (signal.aborted) break;
    const turn = { rule, store, stores, use, planned, tally, wanted, signal };
    const counted = await planWithout(ports, turn);
    if (counted.objects > 0) rules.push({ rule: rule.id, ...counted });
  }
  let last: string | undefined;
  for await (const { object, to, way, bytes } of wanted.sorted()) {
    const key = `${object} ${to}`;
    if (key !== last) tally.copy({ to, way, bytes });
    last = key;
  }
  const name = all.get(store)?.name ?? use.find((one) => one.store === store)?.title ?? store;
  return { store: name, ...held, rules, ...tally.plan(stores, use) };
}

function decodeWanted(line: string): WantedCopy {
  const [object, to, way, bytes] = JSON.parse(line) as [number, string, readonly string[] | null, number];
  return { object, to, way: way ?? undefined, bytes };
}

async function* rulesOf({ catalog }: PlanPorts): AsyncGenerator<RuleRecord> {
  for (let after = 0; ; ) {
    const page = await catalog.listRules({ after, limit: PAGE_RULES });
    yield* page;
    after = page.at(-1)?.id ?? after;
    if (page.length < PAGE_RULES) return;
  }
}

async function countHeld(
  { catalog }: PlanPorts,
  { store, stores, tally, signal }: PlanLoss & { readonly stores: Stores; readonly tally: PlanTally },
): Promise<Pick<LossPlan, 'lost' | 'single'>> {
  const lost = { objects: 0, bytes: 0, names: [] as string[] };
  const single = { objects: 0, bytes: 0 };
  for await (const page of pagesOf((query) => catalog.readHeldPage(store, query))) {
    if (signal.aborted) break;
    for (const object of page.objects) {
      if (!object.replicas.some((one) => one.store === store)) continue;
      tally.objects++;
      tally.bytes += object.bytes;
      const others = object.replicas.filter((one) => one.store !== store);
      // A copy that was given up left nothing, and has no word for it here but its state.
      if (isLost(others.map(({ state }) => ({ state, hasBytes: state !== 'UNAVAILABLE' })))) {
        lost.objects++;
        lost.bytes += object.bytes;
        if (lost.names.length < NAMES_KEPT) lost.names.push(formatObjectName(object));
      } else if (countGood(others, stores) === 1) {
        single.objects++;
        single.bytes += object.bytes;
      }
    }
  }
  return { lost, single };
}

function countGood(replicas: RuleObject['replicas'], stores: Stores): number {
  return replicas.filter((replica) => isGoodReplica(replica, stores)).length;
}

/** What one rule would do about its copies at the store; objects without one there stay as they are. */
async function planWithout(
  ports: PlanPorts,
  turn: {
    readonly rule: RuleRecord;
    readonly store: string;
    readonly stores: Stores;
    readonly use: readonly StoreUse[];
    readonly planned: PlannedUse;
    readonly tally: PlanTally;
    readonly wanted: ExternalSort<WantedCopy>;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly objects: number; readonly missingCopies: number }> {
  const { rule, store, stores, use, planned, tally, wanted, signal } = turn;
  const counted = { objects: 0, missingCopies: 0 };
  const links = linksOf(ports, stores, { use, sourceExpression: rule.sourceExpression });
  let planner: RulePlanner | undefined;
  for await (const page of pagesOf((query) => ports.catalog.readRulePage(rule.id, query))) {
    if (signal.aborted) break;
    const concerned = new Set(
      page.objects.filter(({ locks }) => locks.some((lock) => lock.store === store)).map(({ id }) => id),
    );
    if (concerned.size === 0) continue;
    planner ??= new RulePlanner({
      rule,
      stores,
      now: await readNow(ports, rule.account, use),
      planned,
      restOf: (dataset) => ports.catalog.sumRuleGroup(rule.id, dataset),
    });
    const copies: WantedCopy[] = [];
    for (const one of await planner.place(without(page, store))) {
      const { object, missingCopies } = one;
      if (!concerned.has(object.id)) continue;
      counted.objects++;
      for (const to of one.copies) {
        const way = links.way(object.replicas, to);
        copies.push({ object: object.id, to: to.place, way, bytes: object.bytes });
      }
      if (missingCopies <= 0) continue;
      counted.missingCopies += missingCopies;
      tally.miss(one);
    }
    await wanted.add(copies);
  }
  return counted;
}

function without(page: RulePage, store: string): RulePage {
  const objects = page.objects.map((object) => ({
    ...object,
    replicas: object.replicas.filter((one) => one.store !== store),
    locks: object.locks.filter((one) => one.store !== store),
  }));
  return { ...page, objects };
}
