import type { Profile } from '../config/configuration.ts';
import { countOf } from '../domain/count-of.ts';
import { describeOwner } from '../domain/transfer/claim-owner.ts';
import type { CarriedOut } from '../engine/carry-out-requests.ts';
import type { OpenedScope } from '../engine/opened-scope.ts';
import type { Catalog } from '../ports/catalog.ts';
import { besideEachOther } from '../domain/beside-each-other.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { wholeNumber } from './option-values.ts';
import { openProgressLine } from './progress-line.ts';
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
  const objects = await pando.objects();
  const named = await openScopes(cli, Object.values(profiles));
  const scopes = [...named, ...(await openWaiting(cli, new Set(Object.keys(profiles))))];
  await objects.recover(scopes);
  await pando.endDeadClaims();
  cli.log('info', 'carrying out requests', { scopes: scopes.map(({ name }) => name).join(',') });
  const broken = new AbortController();
  const failed = new AbortController();
  const signal = AbortSignal.any([cli.signal, broken.signal, failed.signal]);
  const owner = describeOwner(pando.processes.self);
  const claim = { owner, until: untilIdle ? ('idle' as const) : signal, signal };
  const pool = {
    transfers,
    workerProcesses,
    onWorkerLost: (why: string) => cli.log('warn', `a copy worker was lost (${why}); its work is done again`),
    onCannotStart: (why: string) => broken.abort(why),
  };
  const exceptScopes = scopes.map(({ name }) => name);
  const catalog = await pando.catalog();
  const line = openProgressLine(cli.output, { forced: options.progress === true, hidden: cli.isLoggingToTerminal });
  using progress = new WorkerProgress(line, () => catalog.readStoreUse());
  const onCounted = (kind: keyof CarriedOut): void => progress.count(kind);
  const away = new Set<string>();
  const onAway = (place: string, why: string | undefined): void => {
    const name = pando.stores().get(place)?.name ?? place;
    if (why !== undefined && !away.has(name))
      cli.log('warn', `what waits for ${name} is left to a later worker: ${why}`);
    if (why === undefined) away.delete(name);
    else away.add(name);
    progress.tellAway(away);
  };
  const [own, ofRules, pages] = await besideEachOther(failed, [
    objects.carryOut({
      scopes,
      ...claim,
      onCounted,
      onAway,
      ...(transfers === undefined ? {} : { concurrency: transfers }),
    }),
    pando.keepRules({ ...claim, exceptScopes, onCounted, onAway }, pool),
    pando.carryOutPages(claim, pool),
  ]);
  line.end();
  const done = addUp(own, ofRules);
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
  return untilIdle && done.postponed > 0 && (await isAnyLeft(catalog)) ? EXIT.unavailable : EXIT.done;
}

/** What was put off may have been done in a later turn. */
async function isAnyLeft(catalog: Catalog): Promise<boolean> {
  for (const state of ['QUEUED', 'SUBMITTED', 'WAITING'] as const)
    if ((await catalog.listRequests({ state, limit: 1 })).length > 0) return true;
  return false;
}

function addUp(a: CarriedOut, b: CarriedOut): CarriedOut {
  return {
    done: a.done + b.done,
    moot: a.moot + b.moot,
    postponed: a.postponed + b.postponed,
    failed: a.failed + b.failed,
  };
}

/** A profile that cannot be opened keeps nobody else's requests waiting. */
async function openScopes(cli: Invocation, profiles: readonly Profile[]): Promise<OpenedScope[]> {
  const pando = await cli.pando();
  const opened: OpenedScope[] = [];
  for (const profile of profiles) {
    try {
      opened.push(await pando.openScope(profile));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      cli.log('warn', `${profile.name} cannot be opened, and its requests wait: ${why}`);
    }
  }
  return opened;
}

/** Places that were synced by hand have deletes that wait, too; they are looked for when the worker starts. */
async function openWaiting(cli: Invocation, named: ReadonlySet<string>): Promise<OpenedScope[]> {
  const pando = await cli.pando();
  const catalog = await pando.catalog();
  const waiting = new Map<string, string>();
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRequests({
      state: 'QUEUED',
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    for (const { scope, source } of page) {
      // What was uploaded has no source; its deletes are the rules'.
      if (source !== undefined && !named.has(scope)) waiting.set(scope, source);
    }
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS) break;
  }
  const opened = await Promise.all([...waiting].map(([scope, source]) => pando.openUnnamedScope(scope, source)));
  return opened.filter((scope) => scope !== undefined);
}

const PAGE_ROWS = 500;
