import { countOf } from '../domain/count-of.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { Catalog, RequestRecord } from '../ports/catalog.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { wholeNumber } from './option-values.ts';
import { openProgressLine } from './progress-line.ts';
import { runWorkLoops } from './work-loops.ts';
import { WorkerProgress } from './worker-progress.ts';

interface WorkerOptions {
  readonly untilIdle?: boolean;
  readonly transfers?: number;
  readonly workerProcesses?: number;
  readonly progress?: boolean;
}

export const worker: CommandModule = {
  declare(command, act) {
    command
      .option('--until-idle', 'end when nothing is due any more')
      .option('--transfers <n>', 'requests at once', wholeNumber(1))
      .option('--worker-processes <n>', 'copy in so many processes of their own rather than in threads', wholeNumber(1))
      .option('-P, --progress', 'show progress even where stderr is no terminal')
      .action(act<[], WorkerOptions>((cli, _args, options) => work(cli, options)));
  },
};

async function work(cli: Invocation, options: WorkerOptions): Promise<ExitCode> {
  const { untilIdle = false, transfers, workerProcesses } = options;
  const { profiles } = await cli.configuration();
  const pando = await cli.pando();
  const catalog = await pando.catalog();
  const broken = new AbortController();
  const pool = {
    transfers,
    workerProcesses,
    onWorkerLost: (why: string) => cli.log('warn', `a copy worker was lost (${why}); its work is done again`),
    onCannotStart: (why: string) => broken.abort(why),
  };
  const line = openProgressLine(cli.output, { forced: options.progress === true, hidden: cli.isLoggingToTerminal });
  using progress = new WorkerProgress(line, () => catalog.readStoreUse());
  const { done, pages } = await runWorkLoops({
    pando,
    profiles: Object.values(profiles),
    log: cli.log,
    untilIdle,
    signal: AbortSignal.any([cli.signal, broken.signal]),
    transfers,
    pool,
    onCounted: (kind) => progress.count(kind),
    onAway: (away) => progress.tellAway(away),
  });
  line.end();
  if (cli.globals.json === true) cli.output.printJson({ ...done, pages });
  else
    cli.output.print(
      `${done.done} done, ${done.moot} not needed any more, ${done.postponed} to be tried again, ${done.failed} failed` +
        (pages > 0 ? `; ${countOf(pages, 'page')} of syncs` : ''),
    );
  if (broken.signal.aborted) {
    cli.output.complain(
      `its copy workers do not start, and what they were to copy waits (${String(broken.signal.reason)}): start pando worker again; where that does not help, see that its files are all there`,
    );
    return EXIT.failed;
  }
  if (untilIdle && cli.signal.aborted) return EXIT.interrupted;
  if (done.failed > 0) return EXIT.failed;
  const left = untilIdle ? await findLeft(catalog, done.postponed > 0) : undefined;
  if (left === undefined) return EXIT.done;
  const { scope, name, lastError } = left;
  const why = lastError === undefined ? '' : `: ${lastError}`;
  cli.output.complain(
    `what is left waits, such as ${escapeKey(`${scope}:${name}`)}${why}\n  → pando request ls tells of each`,
  );
  return EXIT.unavailable;
}

/** What was put off may have been done in a later turn, or by others; what others have in hand is left only if something of ours was put off. */
async function findLeft(catalog: Catalog, hasPostponed: boolean): Promise<RequestRecord | undefined> {
  for (const state of ['QUEUED', 'WAITING', ...(hasPostponed ? (['SUBMITTED'] as const) : [])] as const) {
    const [first] = await catalog.listRequests({ state, limit: 1 });
    if (first !== undefined) return first;
  }
  return undefined;
}
