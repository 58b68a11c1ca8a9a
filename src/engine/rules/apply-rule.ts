import type { ObjectName } from '../../domain/object/object-name.ts';
import { formatObjectName } from '../../domain/object/object-name.ts';
import { placeCopies } from '../../domain/placement/place-copies.ts';
import type { Filter, GroupPlacement, ObjectPlacement } from '../../domain/placement/placement.ts';
import type { GroupRest } from '../../domain/placement/placement-facts.ts';
import { stuckWaitMs } from '../../domain/rule/stuck-retry.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type {
  ClaimedRule,
  PageQuota,
  PlacedObject,
  RuleCatalog,
  RuleObject,
  RulePage,
  RuleRecord,
} from '../../ports/rules.ts';
import type { Telling } from '../../ports/telling.ts';
import { placeIn, type StoreAccess, type Stores } from '../stores/store-access.ts';
import { drawFrom } from './draw.ts';
import { GroupSums } from './group-sums.ts';
import { placementRule } from './placement-rule.ts';
import { factsOfObject } from './object-facts.ts';
import { factsOfStores, placesMeant, type StoresNow } from './store-facts.ts';

export interface RulePorts {
  readonly catalog: Pick<
    RuleCatalog,
    | 'claimRules'
    | 'renewRules'
    | 'readRulePage'
    | 'sumRuleGroup'
    | 'applyRulePage'
    | 'releaseLocks'
    | 'readStoreUse'
    | 'listQuotas'
    | 'readAccountUse'
  >;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'sleep'>;
  readonly random: Random;
  readonly stores: Stores;
  readonly telling?: Telling | undefined;
}

/** A worker that sleeps longer than this loses its claim; renewed with each page. */
export const LEASE_MS = 60_000;
/** Locks looked at in one transaction. */
const LOCKS = 2_000;
/** Objects of one transaction: a fraction of a second, so that others get their turn. */
const PAGE_OBJECTS = 1_000;
/** What stores are known to hold and to wait for may be so old. Space and quotas are held to by the catalog itself. */
const STORES_MS_MAX = 2_000;
/** How often a page is placed anew when a store turned out to be full meanwhile. */
const ROUNDS_MAX = 5;

/**
 * Applies a rule to its content page by page, from where the last one who did it came to. Returns false where the lease was lost.
 * What has no place is counted and said, and looked at again later; nothing waits for it.
 */
export async function applyRule(ports: RulePorts, claimed: ClaimedRule, signal: AbortSignal): Promise<boolean> {
  const { catalog } = ports;
  const { rule, lease } = claimed;
  const turn = new RuleTurn(ports, claimed);
  let after = claimed.position;
  if (after === undefined && !(await releaseDetached(ports, claimed, signal))) return false;
  for (let isFirst = after === undefined; !signal.aborted; isFirst = false) {
    const page = await catalog.readRulePage(rule.id, {
      limit: PAGE_OBJECTS,
      ...(after === undefined ? {} : { after }),
    });
    const kind = await turn.apply(page, { lease, isFirst });
    if (kind === 'lost-lease') return false;
    if (page.next === undefined) return true;
    after = page.next;
  }
  return true;
}

/** Locks on what the content does not hold any more go first, so that their room is there for the others. */
async function releaseDetached(
  { catalog }: RulePorts,
  { lease, rule: { counts } }: ClaimedRule,
  signal: AbortSignal,
): Promise<boolean> {
  if (counts.ok + counts.replicating + counts.stuck === 0) return true;
  for (let after: string | undefined; !signal.aborted; ) {
    const page = await catalog.releaseLocks(lease, { limit: LOCKS, ...(after === undefined ? {} : { after }) });
    if (page.next === undefined) return true;
    after = page.next;
    const [isHeld] = await catalog.renewRules([lease], LEASE_MS);
    if (isHeld !== true) return false;
  }
  return false;
}

/** One run over a rule's content, and what it keeps in mind between pages. */
class RuleTurn {
  readonly #ports: RulePorts;
  readonly #rule: RuleRecord;
  #stores: { readonly now: StoresNow; readonly atMs: number } | undefined;
  /** Sums of the group that is being placed; of the pages done, as they are after them. */
  #group: { readonly key: string; readonly sums: GroupSums } | undefined;

  /** Locks of the pages done wait for something before they go. What another worker's pages did nobody knows. */
  #waits: boolean;

  constructor(ports: RulePorts, { rule, position }: Pick<ClaimedRule, 'rule' | 'position'>) {
    this.#ports = ports;
    this.#rule = rule;
    this.#waits = position !== undefined;
  }

  async apply(
    page: RulePage,
    { lease, isFirst }: Pick<ClaimedRule, 'lease'> & { readonly isFirst: boolean },
  ): Promise<'applied' | 'lost-lease'> {
    const { catalog, telling } = this.#ports;
    for (let round = 1; ; round++) {
      const placed = await this.#place(page, round === 1);
      const applied = await catalog.applyRulePage({
        lease,
        isFirst,
        position: page.next,
        events: [],
        quotas: this.#quotas(),
        ...(round > ROUNDS_MAX ? withoutNew(placed) : placed),
        waits: this.#waits || placed.waits,
      });
      if (applied.kind === 'lost-lease') return 'lost-lease';
      if (applied.kind === 'applied') {
        this.#group?.sums.add(page.objects, placed.objects);
        this.#waits ||= placed.waits;
        return 'applied';
      }
      telling?.info?.('a page of a rule is placed anew: stores have filled up', {
        rule: this.#rule.id,
        stores: applied.stores.join(', '),
      });
    }
  }

  async #place(page: RulePage, mayBeOld: boolean): Promise<PagePlaced> {
    const { stores, random } = this.#ports;
    const rule = this.#rule;
    const rest = await this.#restOf(page);
    const groups = placeCopies({
      rule: placementRule(rule),
      stores: factsOfStores(stores, rule, await this.#storesNow(mayBeOld)),
      objects: page.objects.map((object) => factsOfObject(object, page.dataset, stores)),
      ...(rest === undefined ? {} : { rest }),
      draw: (group, store) => drawFrom(rule.id, group, store),
    });
    return outcomeOf({ rule, page, groups, stores, fraction: random.fraction() });
  }

  async #storesNow(mayBeOld: boolean): Promise<StoresNow> {
    const { catalog, clock } = this.#ports;
    const nowMs = clock.monotonicMs();
    if (this.#stores !== undefined && mayBeOld && nowMs - this.#stores.atMs < STORES_MS_MAX) return this.#stores.now;
    const { account } = this.#rule;
    const [use, quotas, accountUse] = await Promise.all([
      catalog.readStoreUse(),
      catalog.listQuotas(account),
      catalog.readAccountUse(account),
    ]);
    const now = { use, quotas, accountUse };
    this.#stores = { now, atMs: nowMs };
    return now;
  }

  /** What the catalog holds to as it is then: others of the account may claim at the same moment. */
  #quotas(): readonly PageQuota[] {
    const all = [...this.#ports.stores.values()];
    return (this.#stores?.now.quotas ?? []).map(({ expression }) => ({
      expression,
      stores: placesMeant(expression, all),
    }));
  }

  /** What the page's group has on other pages; undefined where each object is a group by itself. */
  async #restOf(page: RulePage): Promise<ReadonlyMap<string, GroupRest> | undefined> {
    const { grouping, id } = this.#rule;
    const dataset = grouping === 'all' ? undefined : page.dataset;
    if (grouping === 'none' || (grouping === 'dataset' && dataset === undefined)) return undefined;
    const key = grouping === 'all' ? 'all' : `dataset ${formatObjectName(dataset as ObjectName)}`;
    if (this.#group?.key !== key) {
      const { stores, catalog } = this.#ports;
      this.#group = { key, sums: new GroupSums(await catalog.sumRuleGroup(id, dataset), stores) };
    }
    return new Map([[key, this.#group.sums.without(page.objects)]]);
  }
}

export interface PagePlaced {
  readonly objects: readonly PlacedObject[];
  readonly missingCopies: number;
  readonly missingWhy: string | undefined;
  readonly missesRoom: boolean;
  /** From when copies are missing on any page. */
  readonly lookAgainAfterMs: number;
  readonly waits: boolean;
}

function outcomeOf(args: {
  readonly rule: RuleRecord;
  readonly page: RulePage;
  readonly groups: readonly GroupPlacement[];
  readonly stores: Stores;
  readonly fraction: number;
}): PagePlaced {
  const { rule, page, groups, stores, fraction } = args;
  const byName = new Map([...stores.values()].map((store) => [store.name, store]));
  const objects = new Map(page.objects.map((object) => [formatObjectName(object), object]));
  const placed: PlacedObject[] = [];
  let missingCopies = 0;
  let missingWhy: string | undefined;
  let waits = false;
  let missesRoom = false;
  for (const group of groups) {
    missingWhy ??= group.missing;
    missesRoom ||= group.missing !== undefined && isShortOfRoom(group);
    for (const placement of group.objects) {
      const object = objects.get(placement.object) as RuleObject;
      const one = placeOne(object, placement, { dataset: page.dataset, byName });
      missingCopies += rule.copies - placement.copies.length + one.refused.length;
      missingWhy ??= one.refused[0];
      waits ||= placement.releases.some(({ waitsUntil }) => waitsUntil !== undefined);
      if (one.placed.locks.length > 0 || one.placed.releases.length > 0) placed.push(one.placed);
    }
  }
  return {
    objects: placed,
    missingCopies,
    missingWhy,
    missesRoom,
    lookAgainAfterMs: stuckWaitMs(rule.timesStuck + 1, fraction),
    waits,
  };
}

/** Why one of a group cannot join the others is a sentence only. */
function isShortOfRoom({ rejections, objects }: GroupPlacement): boolean {
  return (
    rejections.some(({ filter, isPassing }) => ROOM.has(filter) && isPassing) ||
    objects.some(({ lacking }) => lacking.length > 0)
  );
}

const ROOM: ReadonlySet<Filter> = new Set(['acceptance', 'quota', 'space']);

function placeOne(
  object: RuleObject,
  { copies, releases }: ObjectPlacement,
  { dataset, byName }: { readonly dataset: ObjectName | undefined; readonly byName: ReadonlyMap<string, StoreAccess> },
): { readonly placed: PlacedObject; readonly refused: readonly string[] } {
  const locks: { store: string; place: string }[] = [];
  const refused: string[] = [];
  for (const { store: name, action } of copies) {
    const store = byName.get(name);
    // A lock that is there is brought its copy by whoever it is told of; only new ones are made here.
    if (store === undefined || action === 'keep' || object.locks.some((lock) => lock.store === store.place)) continue;
    const path = placeIn(store, object, dataset);
    if ('path' in path) locks.push({ store: store.place, place: path.path });
    else refused.push(path.refused);
  }
  const leaving = releases.filter(({ waitsUntil }) => waitsUntil === undefined);
  const gone = leaving.map(({ store, purge }) => ({ store: byName.get(store)?.place ?? store, purge }));
  return { placed: { id: object.id, versionId: object.versionId, locks, releases: gone }, refused };
}

/** Where stores fill up faster than a page is placed: nothing new now, all of it is missing, and looked at again soon. */
function withoutNew(placed: PagePlaced): PagePlaced {
  const wanted = placed.objects.reduce((sum, { locks }) => sum + locks.length, 0);
  return {
    objects: placed.objects.map((object) => ({ ...object, locks: [] })).filter(({ releases }) => releases.length > 0),
    missingCopies: placed.missingCopies + wanted,
    missingWhy: placed.missingWhy ?? 'stores fill up faster than copies can be placed',
    missesRoom: true,
    lookAgainAfterMs: STORES_MS_MAX,
    waits: placed.waits,
  };
}
