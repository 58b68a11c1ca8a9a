import type { NamePattern } from '../client/make-rules.ts';
import type { SyncTrees } from '../client/sync-trees.ts';
import { DEFAULT_DELETE_LIMIT } from '../domain/transfer/delete-limit.ts';
import { escapeKey } from '../domain/object/key.ts';
import { HELD_BACK } from '../domain/transfer/held-back.ts';
import type { SyncResult } from '../engine/sync/sync-types.ts';
import { tellComplaint } from './complaint.ts';
import { OPTIONS_ELSEWHERE } from './options-elsewhere.ts';
import { warnOfDoubledPaths } from './doubled-path.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { readFilter } from './filter-options.ts';
import type { GlobalOptions } from './global-options.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { openPlan } from './sync-plan.ts';
import { openProgress } from './sync-progress.ts';
import { describeNoWorker, describeSettling } from './describe-workers.ts';
import { declareSyncOptions, type SyncOptions } from './sync-options.ts';
import { printSyncResult } from './sync-report.ts';
import { resolveTargetTrees, resolveTree } from './trees.ts';

export const sync: CommandModule = {
  declare(command, act) {
    const rules: NamePattern[] = [];
    command.argument('<source>', 'a profile, profile:path, pando://, s3://, file:// or a path');
    command.argument('[targets...]', 'where to; without any: the replicas of the source’s profile');
    declareSyncOptions(command, rules);
    command.configureOutput({ outputError: (text, write) => tellComplaint(text, write, OPTIONS_ELSEWHERE) });
    command.action(
      act<[string, string[]], SyncOptions>(async (cli, [source, targets], options) =>
        runSync(cli, { source, targets, rules, options }),
      ),
    );
  },
};

interface SyncCall {
  readonly source: string;
  readonly targets: readonly string[];
  readonly rules: readonly NamePattern[];
  readonly options: SyncOptions & GlobalOptions;
}

async function runSync(cli: Invocation, call: SyncCall): Promise<ExitCode> {
  const { options } = call;
  const dryRun = options.dryRun === true || options.plan !== undefined;
  const [{ syncTrees }, asked] = await Promise.all([import('../client/sync-trees.ts'), readTrees(cli, call)]);
  for (const warning of warnOfDoubledPaths(asked.source, asked.targets ?? [])) cli.output.complain(warning);
  using plan = openPlan(dryRun, options);
  using progress = await openProgress(cli.output, {
    forced: options.progress === true,
    hidden: dryRun || cli.isLoggingToTerminal,
  });
  const result = await syncTrees(await cli.pando(), {
    ...asked,
    dryRun,
    listeners: {
      onProgress: progress.show,
      onAction: (action) => {
        plan.tell(action);
        cli.telling.debug?.('planned', { action: action.action, object: escapeKey(action.key), target: action.target });
      },
      onFailure: ({ key, target, message }) => cli.telling.debug?.('failed', { object: key, target, why: message }),
      onWait: ({ target }) => progress.say(`waiting for another sync of ${target} to end`),
      onSettle: (waitMs) => cli.log('warn', describeSettling(waitMs)),
      onNoWorker: (waitedMs) => cli.log('warn', describeNoWorker(waitedMs)),
    },
    onWorkerLost: (why) => cli.log('warn', `a copy worker was lost (${why}); its work is done again`),
  });
  plan.end();
  progress.end();
  const output = options.plan === '-' ? cli.output.beside() : cli.output;
  if (cli.globals.json === true) output.printJson(result);
  else await printSyncResult(output, result);
  return exitCodeOf(result, cli.signal);
}

async function readTrees(
  cli: Invocation,
  { source, targets, rules, options }: SyncCall,
): Promise<Omit<SyncTrees, 'dryRun' | 'listeners'>> {
  const configuration = await cli.configuration();
  return {
    source: resolveTree(source, configuration),
    targets: resolveTargetTrees([...targets, ...(options.targetUrl ?? [])], configuration),
    replicaIndices: options.replicaIndices,
    filter: await readFilter(rules, options),
    comparison: options.compare,
    deleteUnmatched: options.deleteUnmatchedFiles === true,
    allowEmptySource: options.allowEmptySource,
    deleteLimit: options.maxDelete ?? DEFAULT_DELETE_LIMIT,
    verify: options.verify,
    wait: options.wait === true,
    symlinks: options.symlinks,
    relaxed: options.relaxed,
    bandwidth: options.bandwidth,
    transfers: options.transfers,
    workerProcesses: options.workerProcesses,
    executionMode: options.executionMode,
    signal: cli.signal,
  };
}

function exitCodeOf({ state, failures }: SyncResult, signal: AbortSignal): ExitCode {
  switch (state) {
    case 'done':
      return EXIT.done;
    case 'failed':
      // Nothing went wrong: stores are not to be asked for it now.
      return failures.every(({ kind }) => kind === HELD_BACK) ? EXIT.unavailable : EXIT.failed;
    case 'refused':
      return EXIT.refused;
    case 'interrupted':
      // Not by the user: another sync has taken the lease.
      return signal.aborted ? EXIT.interrupted : EXIT.refused;
  }
}
