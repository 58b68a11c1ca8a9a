import { Option } from 'commander';
import { escapeKey } from '../domain/object/key.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';

const PAGE_ROWS = 500;
const STATES: readonly RequestState[] = ['QUEUED', 'SUBMITTED', 'FAILED', 'CANCELLED'];

export const request: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description('list queued copies and deletes, why they are there, and what the last attempt said')
      .addOption(new Option('--state <state>', 'only in this state').choices(STATES))
      .action(act<[], { readonly state?: RequestState }>((cli, _args, { state }) => list(cli, state)));
  },
};

async function list(cli: Invocation, state: RequestState | undefined): Promise<ExitCode> {
  const catalog = await (await cli.pando()).catalog();
  for (let after: number | undefined; ; ) {
    const page = await catalog.listRequests({
      limit: PAGE_ROWS,
      ...(state === undefined ? {} : { state }),
      ...(after === undefined ? {} : { after }),
    });
    for (const one of page) {
      if (cli.globals.json === true) cli.output.printJsonLine(one);
      else {
        const last = one.lastError === undefined ? '' : `; attempt ${one.attempts}: ${one.lastError}`;
        const object = escapeKey(`${one.scope}:${one.name}`);
        cli.output.print(`${one.state}  ${one.kind}  ${object}  at ${one.store}  (${one.reason}${last})`);
      }
    }
    after = page.at(-1)?.id;
    if (page.length < PAGE_ROWS || cli.output.isClosed) return EXIT.done;
  }
}
