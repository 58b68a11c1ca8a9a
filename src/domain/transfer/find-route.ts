/** Bytes can go this way; links are directed. Not negative. */
export interface Link {
  readonly from: string;
  readonly to: string;
  readonly distance: number;
}

export interface Topology {
  readonly links: readonly Link[];
  /** Stores that may stand in the middle (readable, writable, willing), and what passing through each costs besides distance. */
  readonly relays: ReadonlyMap<string, number>;
  /** Links in one route at most; 1: no relays. */
  readonly hopsMax: number;
}

export interface Route {
  /** From the source to the destination, both included. */
  readonly stores: readonly string[];
  /** Distances and the costs of relays. */
  readonly cost: number;
}

/**
 * The cheapest route by Dijkstra's algorithm over pairs of store and number of hops, so that a cheap long way does not hide a
 * shorter one that still fits (docs/states.md, "Routes"). Of equally cheap ones the one with fewer hops, of those the first by the
 * names of its stores. Undefined: none within `hopsMax`.
 */
export function findRoute(
  { links, relays, hopsMax }: Topology,
  { from, to }: { readonly from: string; readonly to: string },
): Route | undefined {
  const leaving = Map.groupBy(links, (link) => link.from);
  // A route that comes to a store later (so not cheaper) and with no fewer hops is of no use.
  const fewestHops = new Map<string, number>();
  /** The best so far to each store with each number of hops. */
  const frontier = new Map<string, Route>([[labelOf([from]), { stores: [from], cost: 0 }]]);
  for (;;) {
    const route = takeBest(frontier);
    if (route === undefined) return undefined;
    const here = route.stores.at(-1) ?? from;
    if (here === to) return route;
    const hops = route.stores.length - 1;
    if (hops >= (fewestHops.get(here) ?? Infinity)) continue;
    fewestHops.set(here, hops);
    if (hops === hopsMax) continue;
    const passing = here === from ? 0 : (relays.get(here) ?? 0);
    for (const link of leaving.get(here) ?? []) {
      if (link.to !== to && !relays.has(link.to)) continue;
      const longer = { stores: [...route.stores, link.to], cost: route.cost + passing + link.distance };
      const label = labelOf(longer.stores);
      const other = frontier.get(label);
      if (other === undefined || compareRoutes(longer, other) < 0) frontier.set(label, longer);
    }
  }
}

function labelOf(stores: readonly string[]): string {
  return `${stores.length} ${stores.at(-1)}`;
}

function takeBest(frontier: Map<string, Route>): Route | undefined {
  let best: Route | undefined;
  for (const route of frontier.values()) {
    if (best === undefined || compareRoutes(route, best) < 0) best = route;
  }
  if (best !== undefined) frontier.delete(labelOf(best.stores));
  return best;
}

function compareRoutes(a: Route, b: Route): number {
  return a.cost - b.cost || a.stores.length - b.stores.length || compareNames(a.stores, b.stores);
}

function compareNames(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((store, index) => store !== b[index]);
  if (at < 0) return 0;
  return (a[at] ?? '') < (b[at] ?? '') ? -1 : 1;
}
