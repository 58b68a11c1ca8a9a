import type { ExecutionMode, Pando } from '../compose.ts';
import { EVERYTHING, makeKeyFilter } from '../domain/transfer/key-filter.ts';
import { HELD_BACK } from '../domain/transfer/held-back.ts';
import { DEFAULT_DELETE_LIMIT } from '../domain/transfer/delete-limit.ts';
import type { SyncListeners, SyncOptions, SyncResult } from '../engine/sync/sync-types.ts';
import type { VerifyFinding, VerifyListeners, VerifyResult } from '../engine/verify/verify-types.ts';
import { type NamedTrees, openTrees } from './open-trees.ts';
import { type CopiedAgain, recordMended } from './record-mended.ts';

export interface VerifyTrees extends NamedTrees {
  /** Copy again what is missing, stale or corrupt at a target. */
  readonly repair: boolean;
  readonly executionMode?: ExecutionMode | undefined;
  /** As the copies were made: what is compared, and what a repair copies. */
  readonly symlinks?: 'follow' | 'skip' | 'preserve' | undefined;
  readonly listeners: VerifyListeners & SyncListeners;
  readonly signal: AbortSignal;
}

export interface VerifiedTrees extends VerifyResult {
  /** What the repair did; undefined where none was asked for or none was needed. */
  readonly repair: SyncResult | undefined;
  /** Found wrong, and not mended by the repair: bytes wrong or missing at the source, or stores that cannot be read. */
  readonly unrepaired: number;
  /** Of these: at targets that take no writes now, as somebody said (`pando store set`), and to be mended when they do. */
  readonly heldBack: number;
}

const MENDABLE: ReadonlySet<VerifyFinding['kind']> = new Set(['missing', 'stale', 'corrupt']);

/** Copies kept to be repaired; with more, the rest is left for the next run, and said. */
const REPAIRS_MAX = 1_000_000;

/** Reads all copies again, and mends what it can where that is asked for. Nothing is ever deleted. */
export async function verifyTrees(pando: Pando, asked: VerifyTrees): Promise<VerifiedTrees> {
  // A target that is gone may be a disk that is not mounted: nothing is concluded of it, and nothing mended below it.
  const { symlinks } = asked;
  const how = { verb: 'verify', symlinks, writes: true, makesTargets: false } as const;
  const opened = await openTrees(pando, asked, how);
  const { scope, source, targets, prefix, filter } = opened;
  const { signal, listeners, executionMode } = asked;
  const pool = { executionMode, onNoWorker: listeners.onNoWorker };
  const places = new Map(targets.map(({ title, storage }) => [title, storage.place]));
  const toRepair: CopiedAgain[] = [];
  /** A copy of wrong bytes would spread them. */
  const keptAway = new Set<string>();
  const onFinding = (finding: VerifyFinding): void => {
    listeners.onFinding?.(finding);
    if (finding.target === undefined) keptAway.add(finding.name);
    else if (MENDABLE.has(finding.kind) && toRepair.length < REPAIRS_MAX) {
      const { name, kind, target } = finding;
      toRepair.push({ name, kind, store: places.get(target) ?? target });
    }
  };
  const result = await pando.verify(
    {
      scope,
      source,
      sourceTitle: asked.source.title ?? source.name,
      targets,
      prefix,
      filter: makeKeyFilter(filter),
      listeners: { ...listeners, onFinding },
      signal,
    },
    pool,
  );
  const names = new Set(toRepair.map(({ name }) => name)).difference(keptAway);
  if (!asked.repair || names.size === 0 || result.state === 'interrupted')
    return { ...result, repair: undefined, unrepaired: countWrong(result), heldBack: 0 };
  const options: SyncOptions = {
    prefix,
    filter: makeKeyFilter({ ...EVERYTHING, names }),
    comparison: 'checksum',
    deleteUnmatched: false,
    deleteLimit: DEFAULT_DELETE_LIMIT,
    readBack: true,
    dryRun: false,
    wait: false,
    purpose: 'repair',
  };
  const repair = await pando.sync({ scope, source, targets, options, listeners, signal }, pool);
  const repaired = toRepair.filter(({ name }) => names.has(name));
  await recordMended(await pando.catalog(), result.scope, repaired);
  const mended = repair.targets.reduce((sum, { added, updated }) => sum + added + updated, 0);
  const unrepaired = Math.max(0, countWrong(result) - mended);
  const closed = result.targets.filter((_, index) => targets[index]?.failure?.kind === HELD_BACK);
  const heldBack = closed.reduce((sum, { missing, stale, corrupt }) => sum + missing + stale + corrupt, 0);
  return { ...result, repair, unrepaired, heldBack };
}

function countWrong({ source, targets }: VerifyResult): number {
  return [source, ...targets].reduce(
    (sum, { missing, stale, corrupt, unreadable }) => sum + missing + stale + corrupt + unreadable,
    0,
  );
}
