import { type Command, Option } from 'commander';
import type { RuleTerms } from '../client/rule-order.ts';
import { lifetime, wholeNumber } from './option-values.ts';

/** What is said of a rule on the command line. */
export interface TermOptions {
  readonly copies?: number;
  readonly stores?: string;
  readonly grouping?: NonNullable<RuleTerms['grouping']>;
  readonly weight?: string;
  readonly lifetime?: number | 'none';
  readonly locked?: boolean;
  readonly source?: string;
  readonly activity?: string;
  readonly priority?: number;
  readonly purge?: boolean;
  readonly comment?: string;
  readonly notify?: NonNullable<RuleTerms['notify']>;
  readonly ignoreAvailability?: boolean;
  readonly prefer?: readonly string[];
  readonly block?: readonly string[];
  readonly failureDomain?: string;
}

/** Of a new rule, or of one that is there: then what was said can be taken back. */
export function declareTerms(command: Command, kind: 'new' | 'changed'): Command {
  const canUnsay = kind === 'changed';
  const flag = (name: string, description: string): void => {
    command.option(`--${name}`, description);
    if (canUnsay) command.option(`--no-${name}`, 'the opposite');
  };
  const none = canUnsay ? "; '' is none" : '';
  const ending = canUnsay ? 'end after this, counted from now (30d, 12h); none: never' : 'end after this (30d, 12h)';
  command
    .addOption(
      new Option('--grouping <grouping>', 'which objects have their copies at the same stores').choices([
        'all',
        'dataset',
        'none',
      ]),
    )
    .option('--weight <attribute>', `choose stores in proportion to this attribute${none}`)
    .option('--lifetime <time>', ending, canUnsay ? lifetimeOrNone : lifetime);
  flag('locked', 'it does not end, neither by hand nor by its lifetime');
  command
    .option('--source <expression>', `take the bytes from these stores only${none}`)
    .option('--activity <name>', 'what its transfers are for')
    .option('--priority <n>', '0 is most urgent', wholeNumber(0));
  flag('purge', 'when it ends, what only it claimed goes at once');
  command
    .option('--comment <text>', `why it is there${none}`)
    .addOption(
      new Option('--notify <when>', 'write an event when it becomes OK, or at each tenth of the way too').choices([
        'none',
        'ok',
        'progress',
      ]),
    );
  flag('ignore-availability', 'ask stores that take no writes now too, and wait for them');
  command
    .option('--prefer <nodes...>', 'use these stores, aliases or sites first')
    .option('--block <nodes...>', 'never use these stores, aliases or sites')
    .option(
      '--failure-domain <attribute>',
      `no two copies where this attribute is the same, as long as there are others; by default the site${canUnsay ? ", which '' is" : ''}`,
    );
  return command;
}

function lifetimeOrNone(text: string): number | 'none' {
  return text === 'none' ? text : lifetime(text);
}

/** Only what was said. */
export function termsOf(options: TermOptions): Partial<RuleTerms> {
  const { copies, stores, grouping, weight, lifetime, locked, source, activity, priority } = options;
  const { purge, comment, notify, ignoreAvailability, prefer, block, failureDomain } = options;
  const optional = (text: string): string | undefined => (text === '' ? undefined : text);
  return {
    ...(copies === undefined ? {} : { copies }),
    ...(stores === undefined ? {} : { stores }),
    ...(grouping === undefined ? {} : { grouping }),
    ...(weight === undefined ? {} : { weight: optional(weight) }),
    ...(lifetime === undefined ? {} : { lifetimeMs: lifetime === 'none' ? undefined : lifetime }),
    ...(locked === undefined ? {} : { locked }),
    ...(source === undefined ? {} : { source: optional(source) }),
    ...(activity === undefined ? {} : { activity }),
    ...(priority === undefined ? {} : { priority }),
    ...(purge === undefined ? {} : { purge }),
    ...(comment === undefined ? {} : { comment: optional(comment) }),
    ...(notify === undefined ? {} : { notify }),
    ...(ignoreAvailability === undefined ? {} : { ignoreAvailability }),
    ...(prefer === undefined ? {} : { prefer: prefer.filter((node) => node !== '') }),
    ...(block === undefined ? {} : { block: block.filter((node) => node !== '') }),
    ...(failureDomain === undefined ? {} : { failureDomain: optional(failureDomain) }),
  };
}
