import { wholeNumber } from './option-values.ts';
import { demandScope } from './demand-scope.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { describeEvent, readLatestEvents } from './latest-events.ts';

export const events: CommandModule = {
  declare(command, act) {
    command
      .option('--scope <name>', 'only of this profile')
      .option('--limit <n>', 'only the last so many', wholeNumber(1), 100)
      .action(
        act<[], { readonly scope?: string; readonly limit: number }>(async (cli, _args, { scope, limit }) => {
          if (scope !== undefined) await demandScope(cli, scope);
          const catalog = await (await cli.pando()).catalog();
          const latest = await readLatestEvents(catalog, { limit, scope });
          if (latest.length === 0) cli.output.note('no events: nothing was found wrong');
          for (const event of latest) {
            if (cli.globals.json === true) cli.output.printJsonLine(event);
            else cli.output.print(describeEvent(event));
          }
          return EXIT.done;
        }),
      );
  },
};
