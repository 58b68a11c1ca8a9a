import { findRoute, type Topology } from '../../domain/transfer/find-route.ts';
import { rankSources } from '../../domain/transfer/rank-sources.ts';
import type { RuleObject, StoreUse } from '../../ports/rules.ts';
import { placesMeant } from '../rules/store-facts.ts';
import { type StoreAccess, type Stores, waysTo } from '../stores/store-access.ts';

/**
 * From which store a copy would be taken, and over which, as a transfer ranks its sources on the first attempt. Objects with copies at the
 * same stores come the same way, so it is asked for once for all of them.
 */
export class LinkChoice {
  readonly #stores: Stores;
  readonly #topology: Topology;
  /** Of stores, by name. */
  readonly #places: ReadonlyMap<string, string>;
  readonly #clientSite: string | undefined;
  readonly #meant: ReadonlySet<string> | undefined;
  readonly #failureRates = new Map<string, number>();
  readonly #chosen = new Map<string, readonly string[] | undefined>();

  constructor(given: {
    readonly stores: Stores;
    readonly topology: Topology;
    readonly clientSite: string | undefined;
    readonly sourceExpression: string | undefined;
    readonly use: readonly StoreUse[];
  }) {
    const { sourceExpression, stores } = given;
    this.#stores = stores;
    // A store that is planned to be gone passes nothing on.
    const names = new Map([...stores.values()].map((store) => [store.name, store.place]));
    const relays = new Map([...given.topology.relays].filter(([name]) => names.has(name)));
    this.#topology = { ...given.topology, relays };
    this.#places = names;
    this.#clientSite = given.clientSite;
    this.#meant =
      sourceExpression === undefined ? undefined : new Set(placesMeant(sourceExpression, [...stores.values()]));
    for (const { store, recent } of given.use) {
      for (const { source, succeeded, failed } of recent)
        this.#failureRates.set(`${source}\n${store}`, failed / Math.max(1, succeeded + failed));
    }
  }

  /** Places, from the source to the destination; undefined: no store can give it now. */
  way(replicas: RuleObject['replicas'], to: StoreAccess): readonly string[] | undefined {
    const key = [to.place, ...replicas.map(({ store, state }) => `${store} ${state}`).toSorted()].join('\n');
    if (!this.#chosen.has(key)) this.#chosen.set(key, this.#choose(replicas, to));
    return this.#chosen.get(key);
  }

  #choose(replicas: RuleObject['replicas'], to: StoreAccess): readonly string[] | undefined {
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
    return best?.route.stores.map((name) => this.#places.get(name) ?? name);
  }
}
