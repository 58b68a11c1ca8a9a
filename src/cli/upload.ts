import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import { formatObjectName } from '../domain/object/object-name.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { UploadedFile } from '../engine/uploads/upload-types.ts';
import type { Uploaded } from '../client/upload.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { type AccountOptions, actorOf, declareAccount } from './open-rules.ts';
import { lifetime, wholeNumber } from './option-values.ts';
import { openProgressLine } from './progress-line.ts';
import { UploadSteps } from './upload-steps.ts';

interface Options extends NameOptions, AccountOptions {
  readonly dataset?: string;
  readonly store?: string;
  readonly format?: string;
  readonly name?: string;
  readonly overwrite?: boolean;
  readonly resume?: boolean;
  readonly lifetime?: number;
  readonly transfers?: number;
  readonly progress?: boolean;
}

export const upload: CommandModule = {
  declare(command, act) {
    command
      .argument('[files...]', 'files, and directories whose files are uploaded under their paths in them')
      .option('--dataset <dataset>', 'they become members of it; made where there is none')
      .option('--store <expression>', 'which stores are asked; one gets all files. By default any')
      .option('--format <format>', 'what they are, where their content type does not say it')
      .option('--name <name>', 'of one file: what it is called')
      .option('--overwrite', 'other bytes under an existing name make a new version')
      .option('--resume', 'go on with what was interrupted; without files, with all that was begun on this machine')
      .option(
        '--lifetime <duration>',
        'how long the rule that keeps them holds, such as 30d; by default for ever',
        lifetime,
      )
      .option('--transfers <n>', 'files at once', wholeNumber(1))
      .option('-P, --progress', 'show progress even where stderr is no terminal');
    declareAccount(declareScope(command)).action(
      act<[string[]], Options>((cli, [files], options) => run(cli, files, options)),
    );
  },
};

async function run(cli: Invocation, files: readonly string[], options: Options): Promise<ExitCode> {
  const { upload: uploadFiles } = await import('../client/upload.ts');
  const { scope, account, lifetime: lifetimeMs, progress: forced, ...others } = options;
  using progress = openProgressLine(cli.output, { forced: forced === true, hidden: cli.isLoggingToTerminal });
  const steps = new UploadSteps(cli.log);
  let bytes = 0;
  let ended = 0;
  const given = {
    pando: await cli.pando(),
    account: (await actorOf(cli, account === undefined ? {} : { account })).account,
    scope: scopeOf(scope === undefined ? {} : { scope }),
  };
  const result = await uploadFiles(given, files, {
    ...pick(others),
    ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
    signal: cli.signal,
    onStep: (step) => {
      if (step.kind === 'sent-bytes') bytes += step.bytes;
      if (step.kind === 'ended') ended++;
      steps.tell(step);
      progress.show(`${countOf(ended, 'file')} done  ${formatBytesRoughly(bytes)} sent`);
    },
  });
  progress.end();
  report(cli, result);
  return exitCodeOf(result.files, cli.signal.aborted);
}

type Picked = Omit<Options, 'lifetime' | 'progress' | 'scope' | 'account'>;

/** Commander's options hold the global ones as well. */
function pick({ dataset, store, format, name, overwrite, resume, transfers }: Picked): Picked {
  return Object.fromEntries(
    Object.entries({ dataset, store, format, name, overwrite, resume, transfers }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}

/** More than so many are counted only. */
const LINES_MAX = 20;

function report(cli: Invocation, { store, dataset, files }: Uploaded): void {
  const { output, globals } = cli;
  if (globals.json === true) {
    output.printJson({
      store: store ?? null,
      dataset: dataset === undefined ? null : formatObjectName(dataset),
      files: files.map(fileToJson),
    });
    return;
  }
  const done = files.filter(({ state }) => state === 'uploaded' || state === 'present');
  if (done.length <= LINES_MAX) for (const file of done) output.print(lineOf(file));
  const uploaded = done.filter(({ state }) => state === 'uploaded');
  const bytes = formatBytesRoughly(uploaded.reduce((sum, { size }) => sum + size, 0));
  const there = done.length - uploaded.length;
  const parts = [
    `${countOf(uploaded.length, 'file')} uploaded (${bytes})`,
    ...(there > 0 ? [`${there} there already`] : []),
    ...(files.length > done.length ? [`${files.length - done.length} not uploaded`] : []),
  ];
  if (files.length === 0) output.note('nothing is left to be gone on with');
  else output.note(`${parts.join(', ')}${store === undefined ? '' : `, at ${store}`}`);
  for (const { label, why, state } of files)
    if (state === 'failed' || state === 'interrupted') output.complain(`${label}: ${why}`);
}

function fileToJson({ scope, name, label, state, size, sha256, url, protocol, failed, why }: UploadedFile) {
  return { file: label, object: `${scope}:${name}`, state, size, sha256, url, protocol, failed, why };
}

function lineOf({ scope, name, state, url }: UploadedFile): string {
  return `${escapeKey(`${scope}:${name}`)}  ${state === 'present' ? 'there already' : 'uploaded'}  ${url ?? ''}`.trimEnd();
}

/** Where nothing at all was uploaded, the code says why; where only some failed, that some did. */
function exitCodeOf(files: readonly UploadedFile[], isInterrupted: boolean): ExitCode {
  const failed = files.filter(({ state }) => state === 'failed');
  if (isInterrupted && files.some(({ state }) => state === 'interrupted')) return EXIT.interrupted;
  if (failed.length === 0) return EXIT.done;
  if (failed.length < files.length) return EXIT.failed;
  if (failed.every(({ isMissing }) => isMissing === true)) return EXIT.notFound;
  return failed.every(({ isRefused }) => isRefused) ? EXIT.refused : EXIT.unavailable;
}
