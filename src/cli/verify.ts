import type { NamePattern } from '../client/make-rules.ts';
import type { VerifiedTrees } from '../client/verify-trees.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import type { VerifyFinding, VerifyProgressReport, VerifyStoreResult } from '../engine/verify/verify-types.ts';
import { describeBytes, joinParts } from './describe-progress.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import type { Output } from './output.ts';
import { declareFilterOptions, type FilterOptions, readFilter } from './filter-options.ts';
import { openProgressLine } from './progress-line.ts';
import { reasonOf } from './sync-report.ts';
import { renderTable } from './table.ts';
import { resolveTargetTrees, resolveTree } from './trees.ts';

interface VerifyOptions extends FilterOptions {
  readonly repair?: boolean;
  readonly progress?: boolean;
}

export const verify: CommandModule = {
  declare(command, act) {
    const rules: NamePattern[] = [];
    command
      .argument('<source>', 'a profile, profile:path, pando://, s3://, file:// or a path')
      .argument('[targets...]', 'where its copies are; without any: the replicas of the source’s profile')
      .option('--repair', 'copy again what is missing, stale or corrupt at a target; nothing is deleted')
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
          listeners: {
            onProgress: (report) => {
              if ('wrong' in report) progress.show(describeVerify(report, Date.now() - startedMs));
              else progress.show(`repairing  ${report.done}/${report.listed} objects`);
            },
          },
          signal: cli.signal,
        });
        progress.end();
        return await reportVerified(cli, result);
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

async function reportVerified(cli: Invocation, result: VerifiedTrees): Promise<ExitCode> {
  const { findings, ...counts } = result;
  if (cli.globals.json === true)
    cli.output.printJson({
      ...counts,
      findings: findings.map(({ key, target, kind, message }) => ({ key, target, kind, message })),
    });
  else await printVerified(cli.output, result);
  if (result.state === 'interrupted') return EXIT.interrupted;
  return result.unrepaired === 0 ? EXIT.done : EXIT.failed;
}

const FINDINGS_SHOWN = 20;

/** For people: a row per store, what is wrong where, and what was mended. */
export async function printVerified(output: Output, result: VerifiedTrees): Promise<void> {
  const headings = ['store', 'intact', 'missing', 'stale', 'corrupt', 'unreadable', 'extra', 'read'];
  output.print(await renderTable(headings, [result.source, ...result.targets].map(row), ['store']));
  output.print('');
  output.print(
    `${countOf(result.objects, 'object')} ${result.objects === 1 ? 'was' : 'were'} read again at every store, in ${result.seconds.toFixed(1)} s.`,
  );
  printFindings(output, result.findings, [result.source, ...result.targets]);
  const { repair, unrepaired } = result;
  if (repair !== undefined) {
    const mended = repair.targets.reduce((sum, { added, updated }) => sum + added + updated, 0);
    output.print('');
    output.print(`Repaired: ${mended} ${mended === 1 ? 'copy' : 'copies'} written again and read back.`);
    for (const { key, message } of repair.failures.slice(0, FINDINGS_SHOWN)) output.print(`  ${key}: ${message}`);
  }
  if (unrepaired > 0 && result.state !== 'interrupted') output.print(adviceFor(result));
  if (result.state === 'interrupted') output.complain('interrupted: the rest was not read');
}

function row({ title, intact, missing, stale, corrupt, unreadable, extra, bytes }: VerifyStoreResult) {
  return [title, intact, missing, stale, corrupt, unreadable, extra, formatBytesRoughly(bytes)];
}

function printFindings(output: Output, findings: readonly VerifyFinding[], stores: readonly VerifyStoreResult[]): void {
  const total = stores.reduce((sum, one) => sum + one.missing + one.stale + one.corrupt + one.unreadable, 0);
  if (total === 0) return;
  output.print('');
  for (const { kind, key, target, message } of findings.slice(0, FINDINGS_SHOWN))
    output.print(
      `  ${kind.padEnd(10)}  ${[key, `at ${target ?? 'the source'}`].filter(Boolean).join('  ')}: ${reasonOf(key, message)}`,
    );
  if (total > FINDINGS_SHOWN) output.print(`  … and ${total - FINDINGS_SHOWN} more; all of them with --json`);
}

function adviceFor({ repair, source, targets }: VerifiedTrees): string {
  if (source.missing + source.corrupt > 0)
    return 'What is wrong at the source is not mended by itself: put the right bytes there, or delete the object with pando rm.';
  const isMendable = targets.some(({ missing, stale, corrupt }) => missing + stale + corrupt > 0);
  if (repair === undefined && isMendable) return 'Mend it with --repair.';
  if ([source, ...targets].some(({ unreadable }) => unreadable > 0))
    return 'What cannot be read cannot be judged: see to it that it can be, or leave it out with --exclude.';
  return 'Not everything could be mended; run it again.';
}
