import { formatBytesRoughly } from '../config/quantity.ts';
import { formatInstant } from '../domain/format-instant.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import { demandScope } from './demand-scope.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';

export const conflict: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description(
        'list objects that were written at several sites without knowing of each other, and the versions that are kept',
      )
      .option('--scope <name>', 'only of this scope')
      .action(act<[], { readonly scope?: string }>((cli, _args, { scope }) => list(cli, scope)));
  },
};

const PAGE = 500;

async function list(cli: Invocation, scope: string | undefined): Promise<ExitCode> {
  const { listConflicts } = await import('../client/conflicts.ts');
  if (scope !== undefined) await demandScope(cli, scope);
  const pando = await cli.pando();
  let count = 0;
  let after: ObjectName | undefined;
  do {
    const page = await listConflicts(pando, { scope, after, limit: PAGE });
    for (const one of page.conflicts) {
      count++;
      if (cli.globals.json === true) cli.output.printJsonLine(one);
      else {
        const { served, lost, policy } = one;
        const what = served.size === undefined ? 'deleted' : formatBytesRoughly(served.size);
        cli.output.print(`${one.scope}:${escapeKey(one.name)}  ${what}, written at ${served.site}  (${policy})`);
        for (const { name, size, site, writtenMs } of lost)
          cli.output.print(
            `  ${escapeKey(name)}  ${formatBytesRoughly(size ?? 0)}, written at ${site} ${formatInstant(writtenMs)}`,
          );
      }
      if (cli.output.isClosed) return EXIT.done;
    }
    after = page.next;
  } while (after !== undefined);
  if (count === 0 && cli.globals.json !== true) cli.output.note('no conflicts');
  return EXIT.done;
}
