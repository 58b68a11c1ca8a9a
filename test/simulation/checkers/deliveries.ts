/** A version that was sent from one site to another one, with or without its bytes. */
export interface SentVersion {
  readonly from: string;
  readonly to: string;
  /** `actor:counter`. */
  readonly id: string;
  readonly withBytes: boolean;
}

/** Without faults no link carries the bytes of a version twice; where the topology allows it, no site gets them twice. */
export function checkDeliveries(sent: readonly SentVersion[], options: { readonly oncePerSite: boolean }): string[] {
  const withBytes = sent.filter((one) => one.withBytes);
  const complaints = repeated(withBytes, ({ from, to, id }) => `${from} has sent the bytes of ${id} to ${to}`);
  if (!options.oncePerSite) return complaints;
  return [...complaints, ...repeated(withBytes, ({ to, id }) => `${to} was sent the bytes of ${id}`)];
}

/** Each version reaches each of these sites with its bytes exactly once. */
export function checkReached(
  sent: readonly SentVersion[],
  wanted: readonly { readonly id: string; readonly sites: readonly string[] }[],
): string[] {
  return wanted.flatMap(({ id, sites }) =>
    sites.flatMap((site) => {
      const times = sent.filter((one) => one.id === id && one.to === site && one.withBytes).length;
      return times === 1 ? [] : [`${site} was sent the bytes of ${id} ${times} times`];
    }),
  );
}

function repeated(sent: readonly SentVersion[], say: (one: SentVersion) => string): string[] {
  const times = new Map<string, number>();
  for (const one of sent) times.set(say(one), (times.get(say(one)) ?? 0) + 1);
  return [...times].filter(([, count]) => count > 1).map(([said, count]) => `${said} ${count} times`);
}
