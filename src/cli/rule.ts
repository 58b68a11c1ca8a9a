import type { Command } from 'commander';
import type { RuleOrdered, Rules } from '../client/rules.ts';
import { RULE_ORIGINS, type RuleOrigin } from '../domain/rule/rule.ts';
import { RULE_STATES, type RuleState } from '../domain/rule/rule-state.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { declareScope, type NameOptions } from './catalog-names.ts';
import { demandScope } from './demand-scope.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Act, CommandModule, Invocation } from './invocation.ts';
import { type AccountOptions, declareAccount, openRules } from './open-rules.ts';
import { wholeNumber } from './option-values.ts';
import { listRules } from './rule-list.ts';
import { printRule, ruleToJson } from './rule-report.ts';
import { declareTerms, termsOf, type TermOptions } from './rule-terms.ts';
import { Option } from 'commander';

interface OrderOptions extends TermOptions, NameOptions, AccountOptions {
  readonly copies: number;
  readonly stores: string;
  readonly askApproval?: boolean;
  readonly allowEmpty?: boolean;
}

type UpdateOptions = TermOptions & AccountOptions & { readonly allowEmpty?: boolean };

interface ListOptions {
  readonly account?: string;
  readonly state?: RuleState;
  readonly origin?: RuleOrigin | 'profile';
}

export const rule: CommandModule = {
  declare(command, act) {
    declareAdd(command, act);
    command
      .command('ls')
      .description(
        'list the rules: those that were ordered, and what the replicas of profiles stand for (origin profile)',
      )
      .argument('[scope]', 'only about this one')
      .option('--account <account>', 'only of this one')
      .addOption(new Option('--state <state>', 'only in this state').choices(RULE_STATES))
      .addOption(new Option('--origin <origin>', 'only of this origin').choices([...RULE_ORIGINS, 'profile']))
      .action(
        act<[string | undefined], ListOptions>(async (cli, [scope], { account, state, origin }) => {
          if (scope !== undefined) await demandScope(cli, scope);
          return listRules(cli, { scope, account, state, origin });
        }),
      );
    command
      .command('show')
      .description('what a rule says, how far it is, and what it waits for')
      .argument('<rule>', 'its number', ruleNumber)
      .action(act<[number]>((cli, [id]) => show(cli, id)));
    declareUpdate(command, act);
    declareAccount(command.command('move').description('bring it elsewhere: what it has stays until all is there'))
      .argument('<rule>', 'its number', ruleNumber)
      .requiredOption('--stores <expression>', 'where to')
      .option('--allow-empty', 'also where the expression names no store now')
      .action(
        act<[number], AccountOptions & { readonly stores: string; readonly allowEmpty?: boolean }>(
          async (cli, [id], options) => {
            const rules = await openRules(cli, options);
            const moved = await rules.move(id, options.stores, { allowEmpty: options.allowEmpty === true });
            return reportOrdered(cli, moved, `rule ${id} ends when it is OK`);
          },
        ),
      );
    declareEnds(command, act);
    declareTold(command, act);
  },
};

export const ruleNumber = wholeNumber(1);

function declareAdd(command: Command, act: Act): void {
  const add = command
    .command('add')
    .description('say which objects are to have how many copies at which stores')
    .argument('<targets...>', 'scope:name of objects, datasets and containers, or patterns such as scope:raw/*')
    .requiredOption('--copies <n>', 'how many of each object', wholeNumber(1))
    .requiredOption('--stores <expression>', "where: store names and attributes, such as 'country=ch&kind=disk'");
  declareAccount(declareScope(declareTerms(add, 'new')))
    .option('--ask-approval', 'do nothing until an administrator approves it')
    .option('--allow-empty', 'also where the expression names no store now')
    .action(
      act<[string[]], OrderOptions>(async (cli, [targets], options) => {
        const { copies, stores, askApproval = false, allowEmpty = false } = options;
        const rules = await openRules(cli, options);
        const ordered = await rules.add(targets, { ...termsOf(options), copies, stores }, { askApproval, allowEmpty });
        const next = askApproval ? `an administrator is to approve it: pando rule approve ${ordered.id}` : undefined;
        return reportOrdered(cli, ordered, next ?? 'pando worker carries it out');
      }),
    );
}

function declareUpdate(command: Command, act: Act): void {
  const update = command
    .command('update')
    .description('change what a rule says; what is not said stays')
    .argument('<rule>', 'its number', ruleNumber)
    .option('--copies <n>', 'how many of each object', wholeNumber(1))
    .option('--stores <expression>', 'where: copies elsewhere go when the new ones are there');
  declareAccount(declareTerms(update, 'changed'))
    .option('--allow-empty', 'also where the expression names no store now')
    .action(
      act<[number], UpdateOptions>(async (cli, [id], options) => {
        const terms = termsOf(options);
        if (Object.keys(terms).length === 0) {
          const problem = problemOutsideFiles(
            'rule update',
            'nothing is to be changed',
            'say what: --copies, --stores …',
          );
          throw new ConfigurationError([problem]);
        }
        const rules = await openRules(cli, options);
        return reportOrdered(
          cli,
          await rules.update(id, terms, { allowEmpty: options.allowEmpty === true }),
          undefined,
        );
      }),
    );
}

function declareEnds(command: Command, act: Act): void {
  declareAccount(command.command('rm').description('end rules: copies that nobody else claims are released'))
    .argument('<rules...>', 'their numbers', ruleNumbers)
    .option('--purge', 'let those copies go at once, and not when their space is needed')
    .action(
      act<[number[]], AccountOptions & { readonly purge?: boolean }>((cli, [ids], options) =>
        forEach(cli, ids, options, {
          done: 'ended',
          run: async (rules, id) => {
            await rules.remove(id, options.purge === true ? { purge: true } : {});
            return true;
          },
        }),
      ),
    );
}

/** Verbs that change nothing but a rule's state. */
function declareTold(command: Command, act: Act): void {
  const told = (verb: string, description: string, told: Told): void => {
    declareAccount(command.command(verb).description(description))
      .argument('<rules...>', 'their numbers', ruleNumbers)
      .action(act<[number[]], AccountOptions>((cli, [ids], options) => forEach(cli, ids, options, told)));
  };
  told('approve', 'let rules begin that wait for it; for administrators', {
    done: 'approved',
    run: (rules, id) => rules.approve(id),
  });
  told('deny', 'end rules that wait for approval; for administrators', {
    done: 'denied',
    run: async (rules, id) => {
      await rules.deny(id);
      return true;
    },
  });
  told('suspend', 'queue and try nothing more for rules; what they have they keep', {
    done: 'suspended',
    run: (rules, id) => rules.suspend(id),
  });
  told('resume', 'go on with suspended rules', { done: 'resumed', run: (rules, id) => rules.resume(id) });
}

function ruleNumbers(text: string, before: unknown): number[] {
  return [...(Array.isArray(before) ? (before as number[]) : []), ruleNumber(text)];
}

interface Told {
  readonly done: string;
  /** False: it was so already. */
  readonly run: (rules: Rules, id: number) => Promise<boolean>;
}

async function forEach(
  cli: Invocation,
  ids: readonly number[],
  options: AccountOptions,
  { done, run }: Told,
): Promise<ExitCode> {
  const rules = await openRules(cli, options);
  const told: { id: number; isChanged: boolean }[] = [];
  for (const id of ids) {
    const isChanged = await run(rules, id);
    told.push({ id, isChanged });
    if (cli.globals.json !== true)
      cli.output.note(`rule ${id}: ${isChanged ? done : 'nothing to do: it is so already'}`);
  }
  if (cli.globals.json === true) cli.output.printJson(told);
  return EXIT.done;
}

async function show(cli: Invocation, id: number): Promise<ExitCode> {
  const details = await (await openRules(cli)).show(id);
  if (cli.globals.json === true) cli.output.printJson(ruleToJson(details));
  else await printRule(cli, details);
  return EXIT.done;
}

function reportOrdered(cli: Invocation, ordered: RuleOrdered, next: string | undefined): ExitCode {
  const { id, stores, warnings } = ordered;
  for (const warning of warnings) cli.output.complain(warning);
  if (cli.globals.json === true) cli.output.printJson(ordered);
  else {
    cli.output.print(`rule ${id}${stores.length > 0 ? `: ${stores.join(', ')}` : ''}`);
    if (next !== undefined) cli.output.note(`  ${next}`);
  }
  return EXIT.done;
}
