/**
 * A file written twice within one tick of its file system's clock has the same time both times, so a token taken right after
 * the first write cannot be trusted (docs/versions.md, "Tokens"). Such a token is recorded as unsettled: it matches nothing,
 * and the next look at the object reads it once more.
 */
const TICK_NS = 50_000_000n;
/** File systems that keep whole seconds, or even ones. */
const COARSE_TICK_NS = 2_000_000_000n;
const NS_PER_S = 1_000_000_000n;
const UNSETTLED = '~';

export function settledToken(token: string, modifiedNs: bigint | undefined, readAtMs: number): string {
  if (modifiedNs === undefined) return token;
  const tick = modifiedNs % NS_PER_S === 0n ? COARSE_TICK_NS : TICK_NS;
  return modifiedNs + tick < BigInt(Math.trunc(readAtMs)) * 1_000_000n ? token : `${token}${UNSETTLED}`;
}

/** Whether the token can be met again. No store's own ends so. */
export function isSettled(token: string): boolean {
  return !token.endsWith(UNSETTLED);
}
