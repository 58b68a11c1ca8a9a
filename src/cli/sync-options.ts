import { type Command, Option } from 'commander';
import type { NamePattern } from '../client/make-rules.ts';
import type { ExecutionMode } from '../compose.ts';
import type { DeleteLimit } from '../domain/transfer/delete-limit.ts';
import type { Comparison } from '../domain/transfer/difference.ts';
import { declareFilterOptions, type FilterOptions } from './filter-options.ts';
import { deleteLimit, indices, rate, wholeNumber } from './option-values.ts';

export interface SyncOptions extends FilterOptions {
  readonly targetUrl?: readonly string[];
  readonly replicaIndices?: readonly number[];
  readonly deleteUnmatchedFiles?: boolean;
  readonly maxDelete?: DeleteLimit;
  readonly allowEmptySource?: boolean;
  readonly symlinks?: 'follow' | 'skip' | 'preserve';
  readonly compare: Comparison;
  readonly dryRun?: boolean;
  readonly plan?: string;
  readonly bandwidth?: number;
  readonly transfers?: number;
  readonly workerProcesses?: number;
  readonly executionMode?: ExecutionMode;
  readonly verify?: 'written' | 'store' | 'read-back';
  readonly relaxed?: boolean;
  readonly wait?: boolean;
  readonly progress?: boolean;
}

/** Declares the options of `sync`. */
export function declareSyncOptions(command: Command, rules: NamePattern[]): void {
  declareFilterOptions(command, rules);
  command
    .option('--target-url <url>', 'a target, as if it stood behind the source', collect)
    .option('--replica-indices <list>', 'only these of the profile’s replicas, by priority from 0: 0,1', indices)
    .option('--delete-unmatched-files', 'delete at the targets what the source does not have')
    .option('--max-delete <n|p%>', 'delete no more than this at a target, else nothing (default: 50%)', deleteLimit)
    .option('--allow-empty-source', 'delete also when the source is empty')
    .addOption(symlinksOption())
    .addOption(
      new Option('--compare <how>', 'what tells that a copy is up to date')
        .choices(['version', 'size-mtime', 'checksum'])
        .default('version'),
    )
    .addOption(
      new Option(
        '--verify <level>',
        'the weakest level of verification that will do, of copies that are there already too: those are read and compared',
      ).choices(['written', 'store', 'read-back']),
    )
    .option('-n, --dry-run', 'say what would be done, and do nothing')
    .option(
      '--plan <file>',
      'write what would be done to a file as JSON lines, and do nothing; - is stdout, and the result goes to stderr',
    )
    .option(
      '--bandwidth <rate>',
      'bytes (not bits) per second, over all copies of the run together: 50M, 10MiB/s',
      rate,
    )
    .option('--transfers <n>', 'copies at once, of stores that are not on this machine', wholeNumber(1))
    .addOption(
      new Option(
        '--num-worker-processes, --worker-processes <n>',
        'copy in so many processes of their own rather than in threads',
      ).argParser(wholeNumber(1)),
    )
    .addOption(executionModeOption())
    .option('--relaxed', 'do not flush copies: faster, and a power failure can take them')
    .option('--wait', 'wait for another sync of the same target to end')
    .option('-P, --progress', 'show progress even where stderr is no terminal');
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

export function executionModeOption(): Option {
  const option = new Option(
    '--execution-mode <mode>',
    'copy on this machine (default), or let the `pando worker`s of the same catalog take part',
  );
  return option.choices(['local', 'workers']);
}

export function symlinksOption(): Option {
  const option = new Option(
    '--symlinks <how>',
    'follow links inside the root (default), skip them, or keep them as links',
  );
  return option.choices(['follow', 'skip', 'preserve']);
}
