import { isSourceLimited, type TransferLimits } from '../../domain/transfer/transfer-limits.ts';
import type { ClaimedRequest } from '../../ports/catalog.ts';
import type { SourceChosen } from '../../ports/transfer-limits.ts';
import type { PlannedTransfer } from './plan-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

export type WayChosen =
  | { readonly kind: 'chosen'; readonly planned: PlannedTransfer }
  /** For a limit: somebody claims it again when there is room. */
  | Extract<SourceChosen, { readonly kind: 'waits' | 'lost-lease' }>;

/** Says in the catalog from where each is about to be copied. One answer each, in their order. */
export async function chooseWays(
  { catalog, limits }: Pick<TransferPorts, 'catalog' | 'limits'>,
  wanted: readonly { readonly request: ClaimedRequest; readonly planned: PlannedTransfer }[],
): Promise<readonly WayChosen[]> {
  if (limits === undefined) {
    const choices = wanted.map(({ request: { lease }, planned: { way } }) => ({ lease, ...way }));
    const chosen = await catalog.chooseSources(choices);
    return wanted.map(({ planned }, at) =>
      chosen[at] === true ? { kind: 'chosen', planned } : { kind: 'lost-lease' },
    );
  }
  const chosen = await catalog.chooseSourcesWithin(
    wanted.map(({ request: { lease }, planned }) => ({ lease, sources: planned.sourceWays })),
    limits,
  );
  return wanted.map(({ request: { store }, planned }, at) => {
    const choice = chosen[at] ?? { kind: 'lost-lease' };
    if (choice.kind !== 'chosen') return choice;
    return { kind: 'chosen', planned: readFrom(planned, { at: choice.at, store, limits }) };
  });
}

/** The source that was chosen first; behind it only those that nothing limits, because a tool goes on with them by itself. */
function readFrom(
  planned: PlannedTransfer,
  { at, store, limits }: { readonly at: number; readonly store: string; readonly limits: TransferLimits },
): PlannedTransfer {
  const { sourceWays, sources } = planned;
  const others = sourceWays.flatMap(({ source }, i) =>
    i === at || isSourceLimited(limits, { source, store }) ? [] : [i],
  );
  const order = [at, ...others];
  const ways = order.flatMap((i) => sourceWays[i] ?? []);
  return {
    ...planned,
    way: ways[0] ?? planned.way,
    sourceWays: ways,
    sources: order.flatMap((i) => sources[i] ?? []),
  };
}
