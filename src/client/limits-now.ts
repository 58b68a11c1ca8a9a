import type { Pando } from '../compose.ts';
import { TransfersInHand } from '../domain/transfer/transfer-limits.ts';
import type { RequestRecord } from '../ports/catalog.ts';

/** Why a request that could be carried out now is not, where that is a limit; one sentence. */
export type WhyLimited = (request: RequestRecord) => string | undefined;

/** Of one moment. Where nothing limits transfers, nothing is asked. */
export async function readLimitsNow(pando: Pando): Promise<WhyLimited> {
  const limits = pando.transferLimits();
  if (limits === undefined) return () => undefined;
  const inHand = new TransfersInHand(limits, await (await pando.catalog()).readTransfersInHand());
  const nowMs = pando.clock.nowMs();
  return ({ state, store, reason, nextAttemptMs }) => {
    const isOfRules = reason === 'rule' || reason === 'relay' || reason === 'upload';
    return isOfRules && state === 'QUEUED' && nextAttemptMs <= nowMs ? inHand.whyNotTo(store) : undefined;
  };
}

/** Transfers of rules that a store has at once, of all workers; undefined where nothing limits transfers, for then nobody counts. */
export async function countTransfersAt(
  pando: Pando,
  place: string,
): Promise<{ readonly incoming: number; readonly outgoing: number } | undefined> {
  if (pando.transferLimits() === undefined) return undefined;
  const inHand = await (await pando.catalog()).readTransfersInHand();
  const sum = (ofStore: (one: (typeof inHand)[number]) => boolean): number =>
    inHand.filter(ofStore).reduce((total, { count }) => total + count, 0);
  return { incoming: sum(({ store }) => store === place), outgoing: sum(({ source }) => source === place) };
}
