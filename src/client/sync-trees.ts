import type { ExecutionMode, Pando } from '../compose.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import type { Comparison } from '../domain/transfer/difference.ts';
import type { DeleteLimit } from '../domain/transfer/delete-limit.ts';
import { makeKeyFilter } from '../domain/transfer/key-filter.ts';
import type { SyncListeners, SyncResult, SyncTarget } from '../engine/sync/sync-types.ts';
import { watchNames } from './absent-names.ts';
import { type NamedTrees, openTrees } from './open-trees.ts';

/** A bulk sync as a user asks for it. */
export interface SyncTrees extends NamedTrees {
  readonly comparison: Comparison;
  readonly deleteUnmatched: boolean;
  readonly deleteLimit: DeleteLimit;
  readonly allowEmptySource?: boolean | undefined;
  /**
   * The weakest level that will do, of copies that were there before too; undefined: of those that are made, the best that costs no second
   * read.
   */
  readonly verify?: 'written' | 'store' | 'read-back' | undefined;
  readonly dryRun: boolean;
  readonly wait: boolean;
  readonly symlinks?: 'follow' | 'skip' | 'preserve' | undefined;
  /** Copies are not flushed. */
  readonly relaxed?: boolean | undefined;
  /** Bytes per second, over all that is copied. */
  readonly bandwidth?: number | undefined;
  readonly transfers?: number | undefined;
  readonly workerProcesses?: number | undefined;
  readonly executionMode?: ExecutionMode | undefined;
  readonly listeners: SyncListeners;
  readonly onWorkerLost?: ((why: string) => void) | undefined;
  readonly signal: AbortSignal;
}

/** Opens what is asked for and syncs it (docs/sync.md). Fails with a `ConfigurationError` where that makes no sense. */
export async function syncTrees(pando: Pando, asked: SyncTrees): Promise<SyncResult> {
  refuseForWorkers(asked);
  const writes = !asked.dryRun;
  const opened = await openTrees(pando, asked, { ...asked, verb: 'sync', writes, makesTargets: writes });
  const { scope, source, targets, prefix, filter } = opened;
  const watched = watchNames(makeKeyFilter(filter), filter.names);
  const options = {
    prefix,
    filter: watched.filter,
    comparison: asked.comparison,
    deleteUnmatched: asked.deleteUnmatched,
    deleteLimit: asked.deleteLimit,
    allowEmptySource: asked.allowEmptySource,
    verify: asked.verify,
    readBack: mustReadBack(asked.verify, targets),
    dryRun: asked.dryRun,
    wait: asked.wait,
  };
  const { listeners, signal, transfers, workerProcesses, onWorkerLost, executionMode } = asked;
  const result = await pando.sync(
    { scope, source, targets, options, listeners, signal },
    { transfers, workerProcesses, onWorkerLost, executionMode, onNoWorker: listeners.onNoWorker },
  );
  return watched.addAbsent(result);
}

/** What one machine can promise and several cannot. */
function refuseForWorkers({ executionMode, relaxed, bandwidth }: SyncTrees): void {
  if (executionMode !== 'workers') return;
  const problems = [];
  if (relaxed === true) {
    const why = 'a copy that is not flushed can be made durable only by the machine that wrote it';
    problems.push(problemOutsideFiles('relaxed', why, 'leave it out, or sync with the execution mode local'));
  }
  if (bandwidth !== undefined) {
    const why = 'workers of several machines cannot keep one limit together';
    const remedy = 'give the profiles a bandwidth in the configuration of each worker';
    problems.push(problemOutsideFiles('bandwidth', why, remedy));
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
}

/** `store` is what a store gives that checks what it is handed; of any other, only reading back gives as much. */
function mustReadBack(verify: SyncTrees['verify'], targets: readonly SyncTarget[]): boolean {
  if (verify === 'store') return targets.some(({ storage }) => !storage.capabilities.checksPut);
  return verify === 'read-back';
}
