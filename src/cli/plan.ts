import type { Planned } from '../client/plan.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { formatBytesRoughly } from '../config/quantity.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { LossPlan, Plan } from '../engine/plan/plan-types.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { type AccountOptions, actorOf, declareAccount } from './open-rules.ts';
import { wholeNumber } from './option-values.ts';
import type { Output } from './output.ts';
import { declareTerms, type TermOptions, termsOf } from './rule-terms.ts';
import { renderTable } from './table.ts';

type Named = NameOptions & AccountOptions;

interface PlanOptions extends Named {
  readonly lose?: string;
  readonly policy?: string;
}

export const plan: CommandModule = {
  declare(command, act) {
    declareAccount(declareScope(command))
      .argument('[file]', 'with --policy: the policy, YAML or XML; - is stdin')
      .option('--lose <store>', 'what would be lost with a store, and what rules would copy from where to where')
      .option('--policy <object>', 'what a policy of this object would do')
      .action(act<[string | undefined], PlanOptions>((cli, [file], options) => planOther(cli, file, options)));
    const rule = command
      .command('rule')
      .description('what a rule would do; the options are those of pando rule add')
      .argument('<targets...>', 'scope:name of objects, datasets and containers, or patterns such as scope:raw/*')
      .requiredOption('--copies <n>', 'how many of each object', wholeNumber(1))
      .requiredOption('--stores <expression>', "where: store names and attributes, such as 'country=ch&kind=disk'");
    declareAccount(declareScope(declareTerms(rule, 'new'))).action(
      act<[string[]], TermOptions & Named & { readonly copies: number; readonly stores: string }>(
        async (cli, [targets], options) => {
          const { planNewRule } = await import('../client/plan.ts');
          const { copies, stores } = options;
          const terms = { ...termsOf(options), copies, stores };
          return report(cli, await planNewRule(await cli.pando(), await placeOf(cli, options), { targets, terms }));
        },
      ),
    );
    const change = command
      .command('update')
      .description('what a change of a rule would do; the options are those of pando rule update')
      .argument('<rule>', 'its number', wholeNumber(1))
      .option('--copies <n>', 'how many of each object', wholeNumber(1))
      .option('--stores <expression>', 'where: copies elsewhere go when the new ones are there');
    declareTerms(change, 'changed').action(
      act<[number], TermOptions>(async (cli, [id], options) => {
        const { planChangedRule } = await import('../client/plan.ts');
        const changed = { rule: id, terms: termsOf(options) };
        return report(cli, await planChangedRule(await cli.pando(), { signal: cli.signal }, changed));
      }),
    );
  },
};

async function placeOf(cli: Invocation, options: Named) {
  return { actor: await actorOf(cli, options), scope: scopeOf(options), signal: cli.signal };
}

async function planOther(cli: Invocation, file: string | undefined, options: PlanOptions): Promise<ExitCode> {
  const { lose, policy } = options;
  if ((lose === undefined) === (policy === undefined)) throw usage('say what to plan');
  if (lose !== undefined) {
    if (file !== undefined) throw usage(`${file} belongs to nothing`);
    const { planLostStore } = await import('../client/plan.ts');
    return reportLoss(cli, await planLostStore(await cli.pando(), { store: lose, signal: cli.signal }));
  }
  if (policy === undefined || file === undefined) throw usage('--policy needs the file with the policy');
  const [{ planPolicy }, { readSaidPolicy }] = await Promise.all([
    import('../client/plan.ts'),
    import('./said-policy.ts'),
  ]);
  const { policy: said } = await readSaidPolicy(cli, file);
  return report(
    cli,
    await planPolicy(await cli.pando(), await placeOf(cli, options), { object: policy, policy: said }),
  );
}

function usage(message: string): ConfigurationError {
  const remedy = 'pando plan rule …, pando plan update …, pando plan --lose STORE, or pando plan --policy OBJECT FILE';
  return new ConfigurationError([problemOutsideFiles('plan', message, remedy)]);
}

async function report(cli: Invocation, planned: Planned): Promise<ExitCode> {
  const { output } = cli;
  for (const warning of planned.warnings) output.complain(warning);
  if (cli.globals.json === true) output.printJson(planned);
  else {
    output.print(`${counted(planned.objects, 'object')}, ${formatBytesRoughly(planned.bytes)}.`);
    await printPlan(output, planned);
    if (!cli.signal.aborted) output.note('nothing was written');
  }
  return endOf(cli);
}

function endOf(cli: Invocation): ExitCode {
  if (!cli.signal.aborted) return EXIT.done;
  cli.output.complain('interrupted: the rest was not planned');
  return EXIT.interrupted;
}

const RULES_SHOWN = 20;
const NAMES_SHOWN = 10;
const STORES_SHOWN = 5;

async function reportLoss(cli: Invocation, planned: LossPlan): Promise<ExitCode> {
  if (cli.globals.json === true) cli.output.printJson(planned);
  else await printLoss(cli.output, planned);
  return endOf(cli);
}

/** What would be lost with a store, and copied for it. */
export async function printLoss(output: Output, planned: LossPlan): Promise<void> {
  const { store, objects, bytes, lost, single, rules } = planned;
  output.print(`${store} holds copies of ${counted(objects, 'object')}, ${formatBytesRoughly(bytes)}.`);
  if (lost.objects === 0) output.print('No object would be lost with it.');
  else {
    output.print(`Lost with it: ${counted(lost.objects, 'object')}, ${formatBytesRoughly(lost.bytes)}:`);
    for (const name of lost.names.slice(0, NAMES_SHOWN)) output.print(`  ${escapeKey(name)}`);
    if (lost.objects > NAMES_SHOWN) output.print(`  … and ${lost.objects - NAMES_SHOWN} more`);
  }
  if (single.objects > 0)
    output.print(`Left with one good copy: ${counted(single.objects, 'object')}, ${formatBytesRoughly(single.bytes)}.`);
  await printPlan(output, planned);
  const short = rules.filter(({ missingCopies }) => missingCopies > 0);
  if (short.length > 0) {
    output.print('');
    const rows = short.slice(0, RULES_SHOWN).map((one) => [one.rule, one.objects, one.missingCopies]);
    output.print(await renderTable(['rule', 'objects', 'copies without a place'], rows));
    if (short.length > RULES_SHOWN) output.print(`… and ${short.length - RULES_SHOWN} more rules`);
  }
}

/** Copies by store, then by link, then what has no place. */
async function printPlan(output: Output, { stores, links, copies, copiedBytes, missing }: Plan): Promise<void> {
  output.print(
    copies === 0
      ? 'Nothing would be copied.'
      : `To be copied: ${counted(copies, 'copy')}, ${formatBytesRoughly(copiedBytes)}.`,
  );
  if (stores.length > 0) {
    const isAnyPassing = stores.some(({ passing }) => passing > 0);
    const through = isAnyPassing ? ['passing'] : [];
    const headings = [
      'store',
      'copies',
      'bytes',
      ...through,
      'there already',
      'released',
      'used now',
      'used then',
      'of',
    ];
    const rows = stores.map((one) => [
      one.store,
      one.copies,
      formatBytesRoughly(one.bytes),
      ...(isAnyPassing ? [one.passing === 0 ? '' : formatBytesRoughly(one.passingBytes)] : []),
      one.there,
      one.released,
      formatBytesRoughly(one.usedBytes),
      formatBytesRoughly(one.afterBytes),
      one.limitBytes === undefined ? '' : formatBytesRoughly(one.limitBytes),
    ]);
    output.print('');
    output.print(await renderTable(headings, rows, ['store']));
  }
  if (links.length > 0) {
    const rows = links.map(({ from, to, copies: count, bytes }) => [
      from ?? 'no source now',
      to,
      count,
      formatBytesRoughly(bytes),
    ]);
    output.print('');
    output.print(await renderTable(['from', 'to', 'copies', 'bytes'], rows, ['from', 'to']));
  }
  if (missing.copies === 0) return;
  output.print('');
  output.print(`Without a place: ${counted(missing.copies, 'copy')}.`);
  for (const { why, objects, rejected } of missing.reasons) {
    output.print(`  ${counted(objects, 'object')}: ${escapeKey(why)}`);
    for (const one of rejected.slice(0, STORES_SHOWN)) output.print(`    ${one.store}: ${escapeKey(one.why)}`);
    if (rejected.length > STORES_SHOWN) output.print(`    … and ${rejected.length - STORES_SHOWN} more stores`);
  }
}

function counted(count: number, what: 'object' | 'copy'): string {
  return `${count} ${count === 1 ? what : what === 'copy' ? 'copies' : 'objects'}`;
}
