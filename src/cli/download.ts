import type { DownloadedObject } from '../client/download.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { demandOwnPath } from './demand-own-path.ts';
import { describeEarlier } from './describe-earlier.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { wholeNumber } from './option-values.ts';
import { openProgressLine } from './progress-line.ts';

interface Options extends NameOptions {
  readonly to?: string;
  readonly overwrite?: boolean;
  readonly transfers?: number;
  readonly progress?: boolean;
}

export const download: CommandModule = {
  declare(command, act) {
    command
      .argument('<objects...>', 'objects, datasets, containers, or patterns such as lab:raw/*.csv')
      .option('--to <directory>', 'where the files go, under the names of the objects; by default here')
      .option('--overwrite', 'replace files that are there with other bytes')
      .option('--transfers <n>', 'objects at once', wholeNumber(1))
      .option('-P, --progress', 'show progress even where stderr is no terminal');
    declareScope(command).action(act<[string[]], Options>((cli, [names], options) => run(cli, names, options)));
  },
};

async function run(cli: Invocation, names: readonly string[], options: Options): Promise<ExitCode> {
  const { download: downloadObjects } = await import('../client/download.ts');
  const { scope, to, overwrite, transfers, progress: forced } = options;
  if (to !== undefined) demandOwnPath('--to', to);
  using progress = openProgressLine(cli.output, { forced: forced === true, hidden: cli.isLoggingToTerminal });
  let bytes = 0;
  let ended = 0;
  const show = (): void => progress.show(`${countOf(ended, 'object')} done  ${formatBytesRoughly(bytes)}`);
  const given = { pando: await cli.pando(), scope: scopeOf(scope === undefined ? {} : { scope }) };
  const results = await downloadObjects(given, names, {
    ...(to === undefined ? {} : { to }),
    ...(overwrite === undefined ? {} : { overwrite }),
    ...(transfers === undefined ? {} : { transfers }),
    signal: cli.signal,
    onBytes: (more) => {
      bytes += more;
      show();
    },
    onEnd: () => {
      ended++;
      show();
    },
  });
  progress.end();
  report(cli, results);
  return exitCodeOf(results, cli.signal.aborted);
}

/** More than so many are counted only. */
const LINES_MAX = 20;

function report({ output, globals }: Invocation, results: readonly DownloadedObject[]): void {
  if (globals.json === true) return output.printJson(results);
  const done = results.filter(({ state }) => state === 'downloaded' || state === 'present');
  if (done.length <= LINES_MAX) {
    for (const { file, state, servedBy } of done)
      output.print(`${file}  ${state === 'present' ? 'there already' : `from ${servedBy ?? 'what was there of it'}`}`);
  }
  for (const { object, version, newer } of done)
    if (newer !== undefined) output.note(`${object}: ${describeEarlier(version ?? '', newer)}`);
  const downloaded = done.filter(({ state }) => state === 'downloaded');
  const bytes = formatBytesRoughly(downloaded.reduce((sum, { size }) => sum + size, 0));
  const there = done.length - downloaded.length;
  const parts = [
    `${countOf(downloaded.length, 'object')} downloaded (${bytes})`,
    ...(there > 0 ? [`${there} there already`] : []),
    ...(results.length > done.length ? [`${results.length - done.length} not downloaded`] : []),
  ];
  output.note(parts.join(', '));
  for (const { object, why, state } of results)
    if (state === 'failed' || state === 'interrupted') output.complain(`${object}: ${withoutName(object, why ?? '')}`);
}

/** Errors of objects begin with the object's name. */
function withoutName(object: string, why: string): string {
  return why.startsWith(`${object}: `) ? why.slice(object.length + 2) : why;
}

/** Where nothing at all was downloaded, the code says why; where only some failed, that some did. */
function exitCodeOf(results: readonly DownloadedObject[], isInterrupted: boolean): ExitCode {
  const failed = results.filter(({ state }) => state === 'failed');
  if (isInterrupted && results.some(({ state }) => state === 'interrupted')) return EXIT.interrupted;
  if (failed.length === 0) return EXIT.done;
  if (failed.length < results.length) return EXIT.failed;
  if (failed.every(({ kind }) => kind === 'not-found')) return EXIT.notFound;
  return failed.every(({ kind }) => kind === 'local') ? EXIT.refused : EXIT.unavailable;
}
