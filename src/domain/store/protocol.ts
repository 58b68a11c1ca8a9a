/** What is done at a store. */
export type Operation = 'read' | 'write' | 'delete';

/** Whole numbers; 0 is tried first. Null: it is not for that. */
export type ProtocolPriorities = Readonly<Record<Operation, number | null>>;

/** One of several ways to the same bytes of a store (docs/stores.md, "Protocols"). */
export interface Protocol {
  /** Unique in the store; by default the scheme of its place. */
  readonly name: string;
  /** `lan`: for a client at the store's own site. `wan`: for all others. */
  readonly domains: Readonly<Record<ProtocolDomain, ProtocolPriorities>>;
}

export type ProtocolDomain = 'lan' | 'wan';

/** How near a client is to a store. Where nobody said a site, it is far. */
export function domainBetween(clientSite: string | undefined, storeSite: string | undefined): ProtocolDomain {
  return clientSite !== undefined && clientSite === storeSite ? 'lan' : 'wan';
}

/**
 * The protocols for an operation in the order in which they are tried. Those of one priority take turns: `fraction`, in [0, 1), says
 * which of them is first this time.
 */
export function orderProtocols<P extends Protocol>(
  protocols: readonly P[],
  {
    operation,
    domain,
    fraction,
  }: { readonly operation: Operation; readonly domain: ProtocolDomain; readonly fraction: number },
): P[] {
  const usable = protocols.flatMap((protocol) => {
    const priority = protocol.domains[domain][operation];
    return priority === null ? [] : [{ protocol, priority }];
  });
  const groups = [...Map.groupBy(usable, ({ priority }) => priority)].sort(([a], [b]) => a - b);
  return groups.flatMap(([, group]) => {
    const first = Math.floor(fraction * group.length);
    return [...group.slice(first), ...group.slice(0, first)].map(({ protocol }) => protocol);
  });
}

/** Where the bytes of a path lie, as a URL: `place` ends with `/`, and the path is a key. */
export function urlOf(place: string, path: string): string {
  return place + path.split('/').map(encodeURIComponent).join('/');
}
