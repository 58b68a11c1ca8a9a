import { InvalidArgumentError } from 'commander';
import type { Quotas } from '../client/quotas.ts';
import { formatBytes, formatBytesRoughly } from '../config/quantity.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { actorOf } from './open-rules.ts';
import { bytes } from './option-values.ts';
import { renderTable } from './table.ts';

export const quota: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description('list how much accounts may claim where, and how much they do')
      .argument('[account]', 'only of this one')
      .action(
        act<[string | undefined]>(async (cli, [account]) => {
          const quotas = await (await open(cli)).list(account);
          if (cli.globals.json === true) cli.output.printJson(quotas);
          else if (quotas.length === 0) cli.output.note('no quotas: every account may claim what there is');
          else {
            const rows = quotas.map((one) => [
              one.account,
              one.expression,
              formatBytes(one.bytes),
              formatBytesRoughly(one.usedBytes),
              formatBytesRoughly(Math.max(0, one.bytes - one.usedBytes)),
              one.stores.join(', ') || 'none now',
            ]);
            const headings = ['account', 'at', 'quota', 'used', 'left', 'stores'];
            cli.output.print(await renderTable(headings, rows, ['account', 'at', 'stores']));
          }
          return EXIT.done;
        }),
      );
    command
      .command('set')
      .description('say how much the rules of an account may claim at some stores; for administrators')
      .argument('<account>', 'whose rules')
      .argument('<expression>', 'at which stores, all together')
      .argument('<size>', 'such as 10TB; none: no limit', sizeOrNone)
      .action(
        act<[string, string, number | 'none']>(async (cli, [account, expression, size]) => {
          const limit = size === 'none' ? undefined : size;
          const stores = await (await open(cli)).set(account, expression, limit);
          if (stores.length === 0) cli.output.complain(`${JSON.stringify(expression)} names no store now`);
          if (cli.globals.json === true) cli.output.printJson({ account, expression, bytes: limit, stores });
          else cli.output.note(`${account} at ${expression}: ${limit === undefined ? 'no limit' : formatBytes(limit)}`);
          return EXIT.done;
        }),
      );
  },
};

function sizeOrNone(text: string): number | 'none' {
  if (text === 'none') return text;
  try {
    return bytes(text);
  } catch {
    throw new InvalidArgumentError('Write a size such as 10TB, or none.');
  }
}

async function open(cli: Invocation): Promise<Quotas> {
  const { Quotas: Opened } = await import('../client/quotas.ts');
  return new Opened({
    catalog: await (await cli.pando()).catalog(),
    configuration: await cli.configuration(),
    actor: await actorOf(cli, {}),
  });
}
