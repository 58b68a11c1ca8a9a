import { Option } from 'commander';
import { formatBytesRoughly } from '../config/quantity.ts';
import { countOf } from '../domain/count-of.ts';
import { DIFFERENCE_PERCENT_DEFAULT, findLimitNeeded } from '../domain/audit/difference-limit.ts';
import type {
  AuditOptions,
  AuditProgressReport,
  AuditResult,
  LeftTo,
  ShownFinding,
  StoreAudit,
} from '../engine/audit/audit-types.ts';
import type { DarkRemoved } from '../engine/audit/remove-dark.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { escapeKey } from '../domain/object/key.ts';
import { joinParts } from './describe-progress.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { duration, percentage } from './option-values.ts';
import type { Output } from './output.ts';
import { openProgressLine } from './progress-line.ts';
import { renderTable } from './table.ts';

interface AuditCliOptions {
  readonly checksum?: boolean;
  readonly repair?: boolean;
  readonly adopt?: boolean;
  readonly maxDifference: number;
  readonly anew?: boolean;
  readonly removeDark?: boolean;
  readonly olderThan?: number;
  readonly dryRun?: boolean;
  readonly progress?: boolean;
}

export const audit: CommandModule = {
  declare(command, act) {
    command
      .argument('[stores...]', 'profiles; without any: every store that mirrors nothing')
      .option('--checksum', 'read every copy and hash it, not only those that changed')
      .option(
        '--repair',
        'forget what is lost, so that its rules copy it again; set aside what is dark; make known what is new; nothing is deleted',
      )
      .option('--adopt', 'dark files that are copies of objects become replicas')
      .addOption(
        new Option('--max-difference <percent>', 'more than this is not acted on')
          .argParser(percentage)
          .default(DIFFERENCE_PERCENT_DEFAULT, `${DIFFERENCE_PERCENT_DEFAULT}%`),
      )
      .option('--anew', 'begin anew where an audit was interrupted')
      .option('--remove-dark', 'audit nothing; remove for good what was set aside')
      .option('--older-than <age>', 'with --remove-dark: set aside at least so long ago (30d)', duration)
      .option('-n, --dry-run', 'with --remove-dark: say what would go')
      .option('-P, --progress', 'show progress even where stderr is no terminal')
      .action(
        act<[string[]], AuditCliOptions>((cli, [stores], options) => {
          checkTogether(options);
          return options.removeDark === true ? removeDark(cli, stores, options) : run(cli, stores, options);
        }),
      );
  },
};

function checkTogether({ removeDark: removes, olderThan, checksum, repair, adopt, dryRun }: AuditCliOptions): void {
  const problem = (message: string, remedy: string) => problemOutsideFiles('audit', message, remedy);
  const audits = checksum === true || repair === true || adopt === true;
  const problems = [
    removes === true && olderThan === undefined
      ? [problem('--remove-dark needs an age', 'say how long ago the files were set aside: --older-than 30d')]
      : [],
    removes === true && audits
      ? [problem('--remove-dark audits nothing', 'audit first, and remove in a command of its own')]
      : [],
    removes !== true && (olderThan !== undefined || dryRun === true)
      ? [problem('--older-than and --dry-run belong to --remove-dark', 'an audit without --repair moves nothing')]
      : [],
  ].flat();
  if (problems.length > 0) throw new ConfigurationError(problems);
}

async function run(cli: Invocation, stores: readonly string[], asked: AuditCliOptions): Promise<ExitCode> {
  const { auditStores } = await import('../client/audit-stores.ts');
  const options: AuditOptions = {
    withChecksums: asked.checksum === true,
    repair: asked.repair === true,
    adopt: asked.adopt === true,
    percentMax: asked.maxDifference,
    anew: asked.anew === true,
  };
  using progress = openProgressLine(cli.output, {
    forced: asked.progress === true,
    hidden: cli.isLoggingToTerminal,
  });
  const startedMs = Date.now();
  const result = await auditStores(await cli.pando(), {
    stores,
    options,
    listeners: { onProgress: (report) => progress.show(describeAudit(report, Date.now() - startedMs)) },
    signal: cli.signal,
  });
  progress.end();
  if (cli.globals.json === true) cli.output.printJson(result);
  else await printAudit(cli.output, result, options);
  return cli.signal.aborted ? EXIT.interrupted : exitOf(result, options);
}

function describeAudit({ store, phase, looked, known, bytesRead, suspects }: AuditProgressReport, elapsedMs: number) {
  const perSecond =
    bytesRead === 0 ? undefined : `${formatBytesRoughly(Math.round((bytesRead * 1000) / Math.max(1, elapsedMs)))}/s`;
  return joinParts([
    store,
    phase,
    phase === 'reading the catalog' ? `${known} copies` : `${looked}/${Math.max(known, looked)} places`,
    bytesRead === 0 ? undefined : `${formatBytesRoughly(bytesRead)} read`,
    perSecond,
    suspects === 0 ? undefined : `${suspects} to be looked at again`,
  ]);
}

function exitOf({ stores }: AuditResult, { repair }: AuditOptions): ExitCode {
  const has = (state: StoreAudit['state']): boolean => stores.some((one) => one.state === state);
  if (has('too-different')) return EXIT.refused;
  if (has('unreachable')) return EXIT.unavailable;
  if (has('interrupted')) return EXIT.interrupted;
  if (has('taken-over')) return EXIT.failed;
  return stores.some((one) => isOpen(one, repair)) ? EXIT.failed : EXIT.done;
}

/** Something is left that nobody mends by itself. */
function isOpen({ state, counts, repairs, lostObjects }: StoreAudit, repair: boolean): boolean {
  if (state !== 'differs') return false;
  // New versions at a source are stale until they are made known, as new objects are.
  const done = repairs.adopted + repairs.setAside + repairs.forgotten + repairs.declaredBad + repairs.registered;
  const { lost, dark, new: fresh, stale, corrupt } = counts;
  return (
    !repair ||
    repairs.unclaimed + repairs.goneFromSource > 0 ||
    done < lost + dark + fresh + stale + corrupt ||
    counts.unreachable > 0 ||
    lostObjects.count > 0
  );
}

const FINDINGS_SHOWN = 20;

/** For people: a row per store, what is wrong where, what was done, and what to do next. */
async function printAudit(output: Output, { stores }: AuditResult, options: AuditOptions): Promise<void> {
  if (stores.length === 0) {
    output.note('no store holds copies of its own: pando verify audits mirrors');
    return;
  }
  const headings = [
    'store',
    'copies',
    'ok',
    'lost',
    'dark',
    'new',
    'stale',
    'corrupt',
    'unreachable',
    'in flight',
    'read',
  ];
  const rows = stores.map(({ store, state, counts }) => {
    const { known, ok, lost, dark, new: fresh, stale, corrupt, unreachable, inFlight, bytesRead } = counts;
    // Nothing is concluded of one that does not answer.
    if (state === 'unreachable')
      return [store, known, '-', '-', '-', '-', '-', '-', unreachable, '-', formatBytesRoughly(bytesRead)];
    return [store, known, ok, lost, dark, fresh, stale, corrupt, unreachable, inFlight, formatBytesRoughly(bytesRead)];
  });
  output.print(await renderTable(headings, rows, ['store']));
  for (const one of stores) printStore(output, one, options);
}

function printStore(output: Output, audited: StoreAudit, options: AuditOptions): void {
  const { store, findings, state, counts, leftTo, resumed } = audited;
  const lines = [
    ...(resumed ? ['it went on where an audit was interrupted'] : []),
    ...describeState(audited),
    ...leftTo.map(describeLeft),
    ...findings.slice(0, FINDINGS_SHOWN).map(describeFinding),
  ];
  const { lost, dark, stale, corrupt, unreachable } = counts;
  const total = state === 'unreachable' ? 0 : lost + dark + counts.new + stale + corrupt + unreachable;
  if (total > FINDINGS_SHOWN) lines.push(`… and ${total - FINDINGS_SHOWN} more; with --json up to 10000 of them`);
  lines.push(...describeRepairs(audited), ...advise(audited, options));
  if (lines.length === 0) return;
  output.print('');
  output.print(`${store}:`);
  for (const line of lines) output.print(`  ${line}`);
}

function describeState({ state, why = '', counts }: StoreAudit): string[] {
  switch (state) {
    case 'too-different':
      return [
        `${why}: nothing was done about them. If that is right, say so with --max-difference ${findLimitNeeded(counts)}%`,
      ];
    case 'unreachable':
      return [`unreachable: nothing is concluded. ${why}`];
    case 'interrupted':
      return ['interrupted: the next audit of the store goes on from here'];
    case 'taken-over':
    case 'mirror':
      return [why];
    case 'clean':
    case 'differs':
      return [];
  }
}

function describeLeft({ store, files }: LeftTo): string {
  return `${countOf(files, 'file')} of the store ${store} ${files === 1 ? 'was' : 'were'} left to it`;
}

function describeFinding({ kind, key, scope, name, detail }: ShownFinding): string {
  const what = scope === undefined ? escapeKey(key) : escapeKey(`${scope}:${name}`);
  const where = scope === undefined || key === name ? '' : ` (${escapeKey(key)})`;
  return `${kind.padEnd(11)}  ${what}${where}: ${escapeKey(detail)}`;
}

function describeRepairs({ repairs, lostObjects }: StoreAudit): string[] {
  const { declaredBad, doubted, forgotten, uncopied, adopted, registered, setAside, failed } = repairs;
  const [toBeCopied, onlyForgotten] = [Math.max(0, forgotten - uncopied), Math.min(forgotten, uncopied)];
  const told = [
    declaredBad > 0 ? `${declaredBad} recorded as wrong` : undefined,
    doubted > 0 ? `${doubted} in doubt, which count for nothing until they are read and found right` : undefined,
    toBeCopied > 0 ? `${toBeCopied} lost ones to be copied again` : undefined,
    onlyForgotten > 0 ? `${onlyForgotten} lost ones forgotten, which no rule copies there` : undefined,
    adopted > 0 ? `${adopted} adopted` : undefined,
    registered > 0 ? `${registered} new made known` : undefined,
    setAside > 0 ? `${setAside} set aside in .pando/dark` : undefined,
    failed > 0 ? `${failed} could not be done: pando events tells why` : undefined,
  ].filter((one) => one !== undefined);
  const names = lostObjects.names.slice(0, FINDINGS_SHOWN).map(escapeKey).join(', ');
  const more = lostObjects.count > FINDINGS_SHOWN ? ' …' : '';
  return [
    ...(told.length === 0 ? [] : [`${told.join(', ')}.`]),
    ...(lostObjects.count === 0
      ? []
      : [
          `LOST: ${lostObjects.count} ${lostObjects.count === 1 ? 'object has' : 'objects have'} no copy left that could be good: ${names}${more}`,
        ]),
  ];
}

function advise({ state, counts, repairs }: StoreAudit, { repair, adopt }: AuditOptions): string[] {
  const fresh =
    !repair && counts.new > 0 && (state === 'clean' || state === 'differs')
      ? ['What is new is an object of its scope: the next sync or read makes it known, and so does --repair.']
      : [];
  return [...fresh, ...adviseOnWrong(state, counts, repairs, { repair, adopt })];
}

function adviseOnWrong(
  state: StoreAudit['state'],
  counts: StoreAudit['counts'],
  repairs: StoreAudit['repairs'],
  { repair, adopt }: Pick<AuditOptions, 'repair' | 'adopt'>,
): string[] {
  if (state !== 'differs') return [];
  const { dark } = counts;
  const { declaredBad, unclaimed, forgotten, uncopied, goneFromSource } = repairs;
  const gone =
    goneFromSource > 0
      ? [
          `${goneFromSource} not at the source any more, where no rule copies anything back: pando get reads a copy that is left, and pando put brings it there; pando rm deletes what is meant to be gone.`,
        ]
      : [];
  const lost = counts.lost - goneFromSource;
  if (!repair && lost + dark - repairs.adopted > 0) {
    const what = [lost > 0 ? 'copies again what is lost' : undefined, dark > 0 ? 'sets aside what is dark' : undefined];
    const also = dark > 0 && !adopt ? ' (--adopt keeps what is known of it)' : '';
    return [...gone, `--repair ${joinWords(what)}${also}.`];
  }
  return [
    ...gone,
    ...(unclaimed > 0
      ? [
          `${unclaimed} of them no rule brings anew: put the right bytes there (pando cat and pando get read a good copy, pando put writes it), or delete the object with pando rm.`,
        ]
      : []),
    ...(declaredBad - unclaimed > 0 || (repair && forgotten > uncopied)
      ? ['pando worker brings the copies that rules ask for.']
      : []),
  ];
}

function joinWords(words: readonly (string | undefined)[]): string {
  return words.filter((word) => word !== undefined).join(' and ');
}

async function removeDark(
  cli: Invocation,
  stores: readonly string[],
  { olderThan = 0, dryRun = false }: AuditCliOptions,
): Promise<ExitCode> {
  const { removeDarkFiles } = await import('../client/audit-stores.ts');
  const removed = await removeDarkFiles(await cli.pando(), {
    stores,
    olderThanMs: olderThan,
    dryRun,
    signal: cli.signal,
  });
  if (cli.globals.json === true) cli.output.printJson(removed);
  else await printRemoved(cli.output, removed, dryRun);
  if (cli.signal.aborted) return EXIT.interrupted;
  return removed.some(({ why }) => why !== undefined) ? EXIT.failed : EXIT.done;
}

async function printRemoved(output: Output, removed: readonly DarkRemoved[], dryRun: boolean): Promise<void> {
  const headings = ['store', dryRun ? 'would go' : 'removed', 'bytes', 'kept'];
  const rows = removed.map(({ store, removed: count, bytes, kept }) => [store, count, formatBytesRoughly(bytes), kept]);
  output.print(await renderTable(headings, rows, ['store']));
  for (const { store, why } of removed) if (why !== undefined) output.complain(`${store}: ${why}`);
}
