import { Option } from 'commander';
import type { RequestsAsked } from '../client/request-desk.ts';
import { escapeKey } from '../domain/object/key.ts';
import { REQUEST_STATES, type RequestState } from '../domain/transfer/request-states.ts';
import type { RequestRecord } from '../ports/catalog.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { wholeNumber } from './option-values.ts';

/** Of what is done nothing is kept. */
const STATES = REQUEST_STATES.filter((state) => state !== 'DONE');

interface RetryOptions {
  readonly rule?: number;
  readonly store?: string;
}

export const request: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description('list queued copies and deletes, why they are there, and what the last attempt said')
      .addOption(new Option('--state <state>', 'only in this state').choices(STATES))
      .action(act<[], { readonly state?: RequestState }>((cli, _args, { state }) => list(cli, state)));
    command
      .command('retry')
      .description('try requests now, and not when their time has come')
      .argument('[requests...]', 'their numbers', numbers)
      .option('--rule <rule>', 'all that this rule is stuck on', wholeNumber(1))
      .option('--store <name>', 'all that waits for this store')
      .action(
        act<[number[] | undefined], RetryOptions>(async (cli, [ids = []], options) => {
          const { retryRequests } = await import('../client/request-desk.ts');
          return report(cli, await retryRequests(await cli.pando(), { ids, ...options }), 'to be tried now');
        }),
      );
    command
      .command('cancel')
      .description('cancel copies that no rule wants')
      .argument('<requests...>', 'their numbers', numbers)
      .action(
        act<[number[]]>(async (cli, [ids]) => {
          const { cancelRequests } = await import('../client/request-desk.ts');
          return report(cli, await cancelRequests(await cli.pando(), ids), 'cancelled');
        }),
      );
  },
};

function numbers(text: string, before: unknown): number[] {
  return [...(Array.isArray(before) ? (before as number[]) : []), wholeNumber(1)(text)];
}

function report(cli: Invocation, { asked, others }: RequestsAsked, done: string): ExitCode {
  if (cli.globals.json === true) cli.output.printJson({ asked, others });
  else {
    for (const { id, why } of asked) if (why !== undefined) cli.output.complain(`request ${id}: ${why}`);
    const count = asked.filter(({ why }) => why === undefined).length + others;
    cli.output.note(`${count} ${done}`);
  }
  return asked.some(({ why }) => why !== undefined) ? EXIT.refused : EXIT.done;
}

/** What waits has had no attempt by what it says. */
function describeLast({ state, attempts, lastError }: RequestRecord): string {
  if (lastError === undefined) return '';
  return state === 'WAITING' ? `; ${lastError}` : `; attempt ${attempts}: ${lastError}`;
}

async function list(cli: Invocation, state: RequestState | undefined): Promise<ExitCode> {
  const [{ listRequests }, { readLimitsNow }] = await Promise.all([
    import('../client/request-desk.ts'),
    import('../client/limits-now.ts'),
  ]);
  const pando = await cli.pando();
  const whyLimited = await readLimitsNow(pando);
  for await (const one of listRequests(await pando.catalog(), state)) {
    if (cli.output.isClosed) break;
    const waits = whyLimited(one);
    if (cli.globals.json === true) cli.output.printJsonLine(waits === undefined ? one : { ...one, waits });
    else {
      const last = waits === undefined ? describeLast(one) : `; ${waits}`;
      const object = escapeKey(`${one.scope}:${one.name}`);
      cli.output.print(`${one.id}  ${one.state}  ${one.kind}  ${object}  at ${one.store}  (${one.reason}${last})`);
    }
  }
  return EXIT.done;
}
