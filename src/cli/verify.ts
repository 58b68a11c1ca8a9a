import type { NamePattern } from '../client/make-rules.ts';
import type { VerifiedTrees } from '../client/verify-trees.ts';
import type { Configuration } from '../config/configuration.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import type { VerifyFinding, VerifyProgressReport, VerifyStoreResult } from '../engine/verify/verify-types.ts';
import { describeBytes, joinParts } from './describe-progress.ts';
import { describeNoWorker } from './describe-workers.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import type { Output } from './output.ts';
import { declareFilterOptions, type FilterOptions, readFilter } from './filter-options.ts';
import { openProgressLine } from './progress-line.ts';
import { reasonOf } from './sync-report.ts';
import { executionModeOption, type SyncOptions, symlinksOption } from './sync-options.ts';
import { renderTable } from './table.ts';
import { resolveTargetTrees, resolveTree } from './trees.ts';
import { adviseOnVerified } from './verify-advice.ts';

interface VerifyOptions extends FilterOptions {
  readonly repair?: boolean;
  readonly symlinks?: SyncOptions['symlinks'];
  readonly progress?: boolean;
  readonly executionMode?: SyncOptions['executionMode'];
}

export const verify: CommandModule = {
  declare(command, act) {
    const rules: NamePattern[] = [];
    command
      .argument('<source>', 'a profile, profile:path, pando://, s3://, file:// or a path')
      .argument('[targets...]', 'where its copies are; without any: the replicas of the source’s profile')
      .option('--repair', 'copy again what is missing, stale or corrupt at a target; nothing is deleted')
      .addOption(symlinksOption())
      .addOption(executionModeOption())
      .option('-P, --progress', 'show progress even where stderr is no terminal');
    declareFilterOptions(command, rules);
    command.action(
      act<[string, string[]], VerifyOptions>(async (cli, [source, targets], options) => {
        const { verifyTrees } = await import('../client/verify-trees.ts');
        const configuration = await cli.configuration();
        const startedMs = Date.now();
        using progress = openProgressLine(cli.output, {
          forced: options.progress === true,
          hidden: cli.isLoggingToTerminal,
        });
        const result = await verifyTrees(await cli.pando(), {
          source: resolveTree(source, configuration),
          targets: resolveTargetTrees(targets, configuration),
          filter: await readFilter(rules, options),
          repair: options.repair === true,
          symlinks: options.symlinks,
          executionMode: options.executionMode,
          listeners: {
            onProgress: (report) => {
              if ('wrong' in report) progress.show(describeVerify(report, Date.now() - startedMs));
              else progress.show(`repairing  ${report.done}/${report.listed} objects`);
            },
            onNoWorker: (waitedMs) => cli.log('warn', describeNoWorker(waitedMs)),
          },
          signal: cli.signal,
        });
        progress.end();
        return await reportVerified(cli, result, configuration.profiles);
      }),
    );
  },
};

function describeVerify(report: VerifyProgressReport, elapsedMs: number): string {
  const { listed, objects, bytes, bytesListed, wrong, complete } = report;
  return joinParts([
    `${objects}/${listed}${complete ? '' : '+'} objects`,
    describeBytes({ done: bytes, total: bytesListed, complete, elapsedMs }),
    `${wrong} wrong`,
  ]);
}

async function reportVerified(
  cli: Invocation,
  result: VerifiedTrees,
  profiles: Configuration['profiles'],
): Promise<ExitCode> {
  const { findings, ...counts } = result;
  if (cli.globals.json === true)
    cli.output.printJson({
      ...counts,
      findings: findings.map(({ key, target, kind, message, intactAt }) => ({ key, target, kind, message, intactAt })),
    });
  else await printVerified(cli.output, result, profiles);
  if (result.state === 'interrupted') return EXIT.interrupted;
  const { unrepaired, heldBack } = result;
  if (unrepaired === 0) return EXIT.done;
  // Nothing went wrong: stores are not to be asked for it now.
  return unrepaired === heldBack ? EXIT.unavailable : EXIT.failed;
}

const FINDINGS_SHOWN = 20;

/** For people: a row per store, what is wrong where, and what was mended. */
export async function printVerified(
  output: Output,
  result: VerifiedTrees,
  profiles: Configuration['profiles'] = {},
): Promise<void> {
  const headings = ['store', 'intact', 'missing', 'stale', 'corrupt', 'unreadable', 'extra', 'read'];
  output.print(await renderTable(headings, [result.source, ...result.targets].map(row), ['store']));
  output.print('');
  output.print(
    `${countOf(result.objects, 'object')}; every copy that is there and readable was read again, in ${result.seconds.toFixed(1)} s.`,
  );
  printFindings(output, result.findings, [result.source, ...result.targets]);
  const { repair, unrepaired } = result;
  if (repair !== undefined) {
    const mended = repair.targets.reduce((sum, { added, updated }) => sum + added + updated, 0);
    output.print('');
    output.print(`Repaired: ${mended} ${mended === 1 ? 'copy' : 'copies'} written again and read back.`);
    for (const { key, target, message } of repair.failures.slice(0, FINDINGS_SHOWN)) {
      const where = [key, target === undefined ? 'at the source' : `at ${target}`].filter(Boolean).join('  ');
      output.print(`  ${where}: ${reasonOf(key, reasonOf(target ?? '', message))}`);
    }
  }
  if (unrepaired > 0 && result.state !== 'interrupted')
    for (const line of adviseOnVerified(result, profiles)) output.print(line);
  if (result.state === 'interrupted') output.complain('interrupted: the rest was not read');
}

function row({ title, intact, missing, stale, corrupt, unreadable, extra, bytes }: VerifyStoreResult) {
  return [title, intact, missing, stale, corrupt, unreadable, extra, formatBytesRoughly(bytes)];
}

function printFindings(output: Output, findings: readonly VerifyFinding[], stores: readonly VerifyStoreResult[]): void {
  const wrong = stores.reduce((sum, one) => sum + one.missing + one.stale + one.corrupt + one.unreadable, 0);
  const extra = stores.reduce((sum, one) => sum + one.extra, 0);
  if (wrong + extra > 0) output.print('');
  for (const [total, isExtra] of [
    [wrong, false],
    [extra, true],
  ] as const) {
    const shown = findings.filter(({ kind }) => (kind === 'extra') === isExtra).slice(0, FINDINGS_SHOWN);
    for (const { kind, key, target, message } of shown) {
      const where = [key, `at ${target ?? 'the source'}`].filter(Boolean).join('  ');
      output.print(`  ${kind.padEnd(10)}  ${where}: ${reasonOf(key, message)}`);
    }
    if (total > FINDINGS_SHOWN)
      output.print(
        `  … and ${total - FINDINGS_SHOWN} more${isExtra ? ' that are extra' : ''}; all of them with --json`,
      );
  }
}
