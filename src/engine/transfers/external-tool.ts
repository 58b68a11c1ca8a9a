import { chooseNextWay, type Way } from '../../domain/transfer/next-way.ts';
import { urlOf } from '../../domain/store/protocol.ts';
import type { Replica } from '../../domain/replica/replica.ts';
import type { TransferRow } from '../../ports/rules.ts';
import type { TransferEnd, TransferSource, TransferTool } from '../../ports/transfer-tool.ts';
import { type StoreProtocol, type Stores, waysTo } from '../stores/store-access.ts';
import { endAt, type PlannedTransfer } from './plan-transfer.ts';

/** A tool that outlives its workers, as a configuration or a program gives it (docs/transfers.md, "Configuration"). */
export interface ExternalTool {
  /** Unique; recorded with what it is given, so it must stay the same as long as something is under way. */
  readonly name: string;
  readonly tool: TransferTool;
  /** How long is waited before it is asked what has become of what it has. */
  readonly pollMs: number;
  /** Transfers it is given in one call; never more than its own `batchMax`. */
  readonly batchMax: number;
  /** Whether it is meant for this. Places of stores. */
  serves(copy: { readonly source: string; readonly destination: string; readonly activity: string }): boolean;
}

/** A copy that is asked for. */
interface CopyForTool {
  readonly planned: PlannedTransfer;
  readonly row: Pick<TransferRow, 'place' | 'replicas' | 'failures'>;
  readonly versionId: number;
  /** Place of the destination. */
  readonly store: string;
  readonly activity: string;
  readonly stores: Stores;
  readonly fraction: number;
}

/**
 * The same transfer by the URLs the tool can use, whatever this machine would use itself: undefined where it is not for this, knows no
 * way, or has failed by every way that is worth an attempt. Ways are named with the tool: a failure of one says nothing of the others.
 */
export function planForTool(external: ExternalTool, copy: CopyForTool): PlannedTransfer | undefined {
  const { planned, row, versionId, store, activity, stores, fraction } = copy;
  const destination = stores.get(store);
  if (destination === undefined) return undefined;
  // It stands at no site of ours.
  const far = { clientSite: undefined, fraction };
  const writing = waysTo(destination, 'write', far);
  const ways: ToolWay[] = [];
  for (const place of new Set(planned.ways.map(({ source }) => source))) {
    const from = stores.get(place);
    const replica = row.replicas.find((one) => one.store === place && one.versionId === versionId);
    if (from === undefined || replica === undefined) continue;
    if (!external.serves({ source: place, destination: store, activity })) continue;
    const way = findWay(external, { reading: waysTo(from, 'read', far), writing, replica, key: row.place });
    if (way !== undefined) ways.push(way);
  }
  const next = chooseNextWay(ways, row.failures)?.way;
  const used = ways.find((one) => one.source === next?.source && one.protocol === next.protocol);
  if (used === undefined) return undefined;
  // The others to the same URL: the tool goes on with the next when one fails.
  const others = ways.filter(
    (one) => one !== used && one.end.store === used.end.store && chooseNextWay([one], row.failures) !== undefined,
  );
  const asked = [used, ...others].slice(0, planned.sources.length);
  return {
    ...planned,
    sources: asked.map(({ from }) => from),
    sourceWays: asked.map(plainWay),
    destination: used.end,
    ways: ways.map(plainWay),
    way: plainWay(used),
  };
}

interface ToolWay extends Way {
  readonly from: TransferSource;
  readonly end: TransferEnd;
}

function findWay(
  { name, tool }: ExternalTool,
  given: {
    readonly reading: readonly StoreProtocol[];
    readonly writing: readonly StoreProtocol[];
    readonly replica: Replica;
    readonly key: string;
  },
): ToolWay | undefined {
  const { reading, writing, replica, key } = given;
  for (const written of writing) {
    const end = { store: written.place, key, url: urlOf(written.place, key) };
    for (const read of reading) {
      const from = endAt(read, replica);
      if (!tool.canTransfer(from, end)) continue;
      return { source: replica.store, protocol: `${name} ${read.name}→${written.name}`, from, end };
    }
  }
  return undefined;
}

function plainWay({ source, protocol }: Way): Way {
  return { source, protocol };
}
