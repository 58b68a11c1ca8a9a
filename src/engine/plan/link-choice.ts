import { findRoute, type Topology } from '../../domain/transfer/find-route.ts';
import { rankSources } from '../../domain/transfer/rank-sources.ts';
import type { RuleObject, StoreUse } from '../../ports/rules.ts';
import { placesMeant } from '../rules/store-facts.ts';
import { type StoreAccess, type Stores, waysTo } from '../stores/store-access.ts';

/**
 * From which store a copy would be taken, as a transfer ranks its sources on the first attempt. Objects with copies at the same stores
 * have the same source, so it is asked for once for all of them.
 */
export class LinkChoice {
  readonly #stores: Stores;
  readonly #topology: Topology;
  readonly #clientSite: string | undefined;
  readonly #meant: ReadonlySet<string> | undefined;
  readonly #failureRates = new Map<string, number>();
  readonly #chosen = new Map<string, string | undefined>();

  constructor(given: {
    readonly stores: Stores;
    readonly topology: Topology;
    readonly clientSite: string | undefined;
    readonly sourceExpression: string | undefined;
    readonly use: readonly StoreUse[];
  }) {
    const { sourceExpression, stores } = given;
    this.#stores = stores;
    this.#topology = given.topology;
    this.#clientSite = given.clientSite;
    this.#meant =
      sourceExpression === undefined ? undefined : new Set(placesMeant(sourceExpression, [...stores.values()]));
    for (const { store, recent } of given.use) {
      for (const { source, succeeded, failed } of recent)
        this.#failureRates.set(`${source}\n${store}`, failed / Math.max(1, succeeded + failed));
    }
  }

  /** The source's place; undefined: no store can give it now. */
  from(replicas: RuleObject['replicas'], to: StoreAccess): string | undefined {
    const key = [to.place, ...replicas.map(({ store, state }) => `${store} ${state}`).toSorted()].join('\n');
    if (!this.#chosen.has(key)) this.#chosen.set(key, this.#choose(replicas, to));
    return this.#chosen.get(key);
  }

  #choose(replicas: RuleObject['replicas'], to: StoreAccess): string | undefined {
    const sources = replicas.flatMap(({ store: place, state }) => {
      const store = this.#stores.get(place);
      if (store === undefined) return [];
      return [
        {
          store: store.name,
          replica: state,
          isCurrent: true,
          matchesExpression: this.#meant === undefined || this.#meant.has(place),
          isReadable: waysTo(store, 'read', { clientSite: this.#clientSite, fraction: 0 }).length > 0,
          kind: store.traits.kind,
          failures: 0,
          failureRate: this.#failureRates.get(`${place}\n${to.place}`) ?? 0,
          route: findRoute(this.#topology, { from: store.name, to: to.name }),
        },
      ];
    });
    const [best] = rankSources(sources, to.name).ranked;
    return [...this.#stores.values()].find(({ name }) => name === best?.store)?.place;
  }
}
