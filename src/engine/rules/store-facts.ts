import { formatInstant } from '../../domain/format-instant.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import type { RuleWords } from '../../domain/rule/rule.ts';
import type { StoreFacts } from '../../domain/placement/placement-facts.ts';
import { selectStores } from '../../domain/store/expression/select-stores.ts';
import { isAmong } from '../../domain/store/store-names.ts';
import { attributesOf } from '../../domain/store/store-traits.ts';
import type { StoreUse } from '../../ports/rules.ts';
import type { AccountUse, Quota } from '../../ports/quotas.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import { namesOf, placeIn, type StoreAccess, type Stores } from '../stores/store-access.ts';

/** What the catalog says of stores at one moment. */
export interface StoresNow {
  readonly use: readonly StoreUse[];
  /** Of the rule's account. */
  readonly quotas: readonly Quota[];
  readonly accountUse: readonly AccountUse[];
}

/** The rule's words that say something of stores. */
export type StoreWords = Pick<RuleWords, 'expression' | 'preferred' | 'blocked' | 'weight' | 'domainAttribute'>;

/** Every store as the rule sees it now (docs/policies.md, "Placement"). */
export function factsOfStores(stores: Stores, words: StoreWords, now: StoresNow): StoreFacts[] {
  const all = [...stores.values()];
  const matching = new Set(placesMeant(words.expression, all));
  const use = new Map(now.use.map((one) => [one.store, one]));
  const closed = new ClosedStores(all, now.use);
  const quotaLeft = quotaLeftBytes(all, now);
  return all.map((store): StoreFacts => {
    const { traits, place } = store;
    const names = namesOf(store);
    const used = use.get(place);
    const completedBytes = used?.completedBytes ?? 0;
    const inFlightBytes = used?.inFlightBytes ?? 0;
    const attributes = attributesOf(traits);
    const recent = used?.recent ?? [];
    return {
      ...names,
      mirrors: store.mirrors,
      isMatching: matching.has(place),
      isPreferred: isAmong(names, words.preferred),
      isBlocked: isAmong(names, words.blocked),
      availability: closed.availabilityOf(place),
      absentSince: used?.away?.areCopiesUnavailable === true ? formatInstant(used.away.sinceMs) : undefined,
      acceptance: traits.accepts,
      findPathProblem: (object) => findPathProblem(store, object),
      usage: { completedBytes, inFlightBytes },
      freeBytes: traits.spaceMaxBytes === undefined ? undefined : traits.spaceMaxBytes - completedBytes - inFlightBytes,
      quotaLeftBytes: quotaLeft.get(place),
      failureDomain: failureDomainOf(words.domainAttribute, attributes, traits.site),
      pendingRequests: used?.pendingRequests ?? 0,
      recent: {
        succeeded: recent.reduce((sum, one) => sum + one.succeeded, 0),
        failed: recent.reduce((sum, one) => sum + one.failed, 0),
      },
      weight: weightOf(words.weight, attributes),
    };
  });
}

function findPathProblem(
  store: StoreAccess,
  { object, scope, dataset }: Parameters<StoreFacts['findPathProblem']>[0],
): string | undefined {
  const outcome = placeIn(store, nameOf(object, scope), dataset === undefined ? undefined : nameOf(dataset));
  return 'refused' in outcome ? outcome.refused : undefined;
}

/** What `formatObjectName` was given: a scope has no colon. */
function nameOf(text: string, scope = text.slice(0, text.indexOf(':'))): ObjectName {
  return { scope, name: text.slice(scope.length + 1) };
}

/** Places of the stores an expression means; none where it means none, or is not understood. */
export function placesMeant(expression: string, stores: readonly StoreAccess[]): string[] {
  const described = stores.map(({ name, traits, place }) => ({ name, attributes: attributesOf(traits), place }));
  const selection = selectStores(expression, described);
  return selection.kind === 'selected' ? selection.stores.map(({ place }) => place) : [];
}

type Attributes = ReturnType<typeof attributesOf>;

function failureDomainOf(
  attribute: string | undefined,
  attributes: Attributes,
  site: string | undefined,
): string | undefined {
  if (attribute === undefined) return site;
  const value = attributes.get(attribute);
  return value === undefined ? undefined : String(value);
}

function weightOf(attribute: string | undefined, attributes: Attributes): number | undefined {
  const value = attribute === undefined ? undefined : attributes.get(attribute);
  return typeof value === 'number' ? value : undefined;
}

/** By place: what is left of the tightest quota that holds for the store. Stores without one are not in it. */
function quotaLeftBytes(stores: readonly StoreAccess[], { quotas, accountUse }: StoresNow): Map<string, number> {
  const used = new Map(accountUse.map(({ store, bytes }) => [store, bytes]));
  const left = new Map<string, number>();
  for (const { expression, bytes } of quotas) {
    const places = placesMeant(expression, stores);
    const usedBytes = places.reduce((sum, place) => sum + (used.get(place) ?? 0), 0);
    for (const place of places)
      left.set(place, Math.min(left.get(place) ?? Number.POSITIVE_INFINITY, bytes - usedBytes));
  }
  return left;
}
