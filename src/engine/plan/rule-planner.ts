import { formatObjectName, type ObjectName } from '../../domain/object/object-name.ts';
import { placeCopies } from '../../domain/placement/place-copies.ts';
import type { GroupRest } from '../../domain/placement/placement-facts.ts';
import { type GroupPlacement, type ObjectPlacement, tellRejected } from '../../domain/placement/placement.ts';
import type { RuleWords } from '../../domain/rule/rule.ts';
import type { PlacedObject, RuleObject, RulePage, StoreUse } from '../../ports/rules.ts';
import { drawFrom } from '../rules/draw.ts';
import { GroupSums } from '../rules/group-sums.ts';
import { factsOfObject } from '../rules/object-facts.ts';
import { placementRule } from '../rules/placement-rule.ts';
import { factsOfStores, type StoresNow } from '../rules/store-facts.ts';
import { placeIn, type StoreAccess, type Stores } from '../stores/store-access.ts';
import type { MissingReason } from './plan-types.ts';

/** A rule as it would be: the number decides which of equal stores is drawn. */
export interface PlannedRule extends RuleWords {
  readonly id: number;
}

/** What would become of one object. */
export interface PlannedObject {
  readonly object: RuleObject;
  /** Copies that would be made. */
  readonly copies: readonly StoreAccess[];
  /** Places where a copy is, or is on its way, that would be claimed. */
  readonly there: readonly string[];
  /** Places of claims that would go. */
  readonly releases: readonly string[];
  readonly missingCopies: number;
  readonly missingWhy: string | undefined;
  /** Stores that are no candidates for what has no place. */
  readonly rejected: MissingReason['rejected'];
}

/** What is planned so far takes room, as if it had been done. Shared by all rules of one plan. */
export class PlannedUse {
  readonly #bytes = new Map<string, { bytes: number; copies: number }>();

  add(place: string, bytes: number): void {
    const { bytes: before = 0, copies = 0 } = this.#bytes.get(place) ?? {};
    this.#bytes.set(place, { bytes: before + bytes, copies: copies + 1 });
  }

  over(stores: Stores, use: readonly StoreUse[]): StoreUse[] {
    const known = new Map(use.map((one) => [one.store, one]));
    const all = new Set([...known.keys(), ...stores.keys()]);
    return [...all].map((place): StoreUse => {
      const { bytes = 0, copies = 0 } = this.#bytes.get(place) ?? {};
      const one = known.get(place) ?? { ...UNUSED, store: place, title: stores.get(place)?.name ?? place };
      return { ...one, inFlightBytes: one.inFlightBytes + bytes, pendingRequests: one.pendingRequests + copies };
    });
  }
}

const UNUSED = {
  completedBytes: 0,
  inFlightBytes: 0,
  leavingBytes: 0,
  pendingRequests: 0,
  recent: [],
  said: {},
  away: undefined,
  sourceOf: [],
} as const;

/** Places pages of a rule's content as `applyRule` does, and writes nothing: each page is placed on what those before it would take. */
export class RulePlanner {
  readonly #rule: PlannedRule;
  readonly #stores: Stores;
  readonly #now: StoresNow;
  readonly #planned: PlannedUse;
  readonly #claimed = new Map<string, number>();
  readonly #restOf: (dataset: ObjectName | undefined) => Promise<GroupRest>;
  #group: { readonly key: string; readonly sums: GroupSums } | undefined;

  constructor(given: {
    readonly rule: PlannedRule;
    readonly stores: Stores;
    readonly now: StoresNow;
    readonly planned: PlannedUse;
    /** Sums of a group: of one dataset, or of all of the rule. */
    readonly restOf: (dataset: ObjectName | undefined) => Promise<GroupRest>;
  }) {
    this.#rule = given.rule;
    this.#stores = given.stores;
    this.#now = given.now;
    this.#planned = given.planned;
    this.#restOf = given.restOf;
  }

  async place(page: RulePage): Promise<readonly PlannedObject[]> {
    const rule = this.#rule;
    const stores = this.#stores;
    const rest = await this.#rest(page);
    const groups = placeCopies({
      rule: placementRule(rule),
      stores: factsOfStores(stores, rule, this.#storesNow()),
      objects: page.objects.map((object) => factsOfObject(object, page.dataset, stores)),
      ...(rest === undefined ? {} : { rest }),
      draw: (group, store) => drawFrom(rule.id, group, store),
    });
    const byName = new Map([...stores.values()].map((store) => [store.name, store]));
    const objects = new Map(page.objects.map((object) => [formatObjectName(object), object]));
    const planned = groups.flatMap((group) =>
      group.objects.map((placement) =>
        this.#planOne(objects.get(placement.object) as RuleObject, { placement, group, byName, dataset: page.dataset }),
      ),
    );
    this.#group?.sums.add(page.objects, planned.map(toPlaced));
    return planned;
  }

  #planOne(
    object: RuleObject,
    {
      placement,
      group,
      byName,
      dataset,
    }: {
      readonly placement: ObjectPlacement;
      readonly group: GroupPlacement;
      readonly byName: ReadonlyMap<string, StoreAccess>;
      readonly dataset: ObjectName | undefined;
    },
  ): PlannedObject {
    const copies: StoreAccess[] = [];
    const there: string[] = [];
    const refused: string[] = [];
    for (const { store: name, action } of placement.copies) {
      const store = byName.get(name);
      if (store === undefined) continue;
      const isLocked = object.locks.some((lock) => lock.store === store.place);
      if (!isLocked) this.#claimed.set(store.place, (this.#claimed.get(store.place) ?? 0) + object.bytes);
      if (action !== 'copy' || isLocked) {
        there.push(store.place);
        continue;
      }
      const path = placeIn(store, object, dataset);
      if ('refused' in path) refused.push(path.refused);
      else {
        copies.push(store);
        this.#planned.add(store.place, object.bytes);
      }
    }
    const leaving = placement.releases.map(({ store }) => byName.get(store)?.place ?? store);
    const missingCopies = this.#rule.copies - placement.copies.length + refused.length;
    const missingWhy = missingCopies > 0 ? (group.missing ?? refused[0]) : undefined;
    const rejected = missingCopies > 0 ? tellRejected(group.rejections) : [];
    return { object, copies, there, releases: leaving, missingCopies, missingWhy, rejected };
  }

  #storesNow(): StoresNow {
    const { use, quotas, accountUse } = this.#now;
    const claimed = new Map(accountUse.map((one) => [one.store, one]));
    for (const [store, bytes] of this.#claimed) {
      const before = claimed.get(store);
      claimed.set(store, { store, bytes: (before?.bytes ?? 0) + bytes, locks: (before?.locks ?? 0) + 1 });
    }
    return { use: this.#planned.over(this.#stores, use), quotas, accountUse: [...claimed.values()] };
  }

  async #rest(page: RulePage): Promise<ReadonlyMap<string, GroupRest> | undefined> {
    const { grouping } = this.#rule;
    const dataset = grouping === 'all' ? undefined : page.dataset;
    if (grouping === 'none' || (grouping === 'dataset' && dataset === undefined)) return undefined;
    const key = grouping === 'all' ? 'all' : `dataset ${formatObjectName(dataset as ObjectName)}`;
    if (this.#group?.key !== key) this.#group = { key, sums: new GroupSums(await this.#restOf(dataset), this.#stores) };
    return new Map([[key, this.#group.sums.without(page.objects)]]);
  }
}

function toPlaced({ object, copies, there, releases }: PlannedObject): PlacedObject {
  const places = [...copies.map(({ place }) => place), ...there];
  const fresh = places.filter((place) => !object.locks.some((lock) => lock.store === place));
  return {
    id: object.id,
    versionId: object.versionId,
    locks: fresh.map((store) => ({ store, place: '' })),
    releases: releases.map((store) => ({ store, purge: false })),
  };
}
