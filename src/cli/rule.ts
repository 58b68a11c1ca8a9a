import { demandScope } from './demand-scope.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { renderTable } from './table.ts';

export const rule: CommandModule = {
  declare(command, act) {
    command
      .command('ls')
      .description('list the rules: which scope has copies where, and by whose order')
      .argument('[profile]', 'only of this one')
      .action(
        act<[string | undefined]>(async (cli, [profile]) => {
          if (profile !== undefined) await demandScope(cli, profile);
          const catalog = await (await cli.pando()).catalog();
          const rules = await catalog.listRules(profile);
          if (cli.globals.json === true) cli.output.printJson(rules);
          else {
            const rows = rules.map(({ scope, storeTitle, priority, origin, createdMs, store }) => [
              scope,
              storeTitle,
              priority,
              origin,
              new Date(createdMs).toISOString(),
              store,
            ]);
            const headings = ['scope', 'store', 'priority', 'origin', 'since', 'place'];
            cli.output.print(await renderTable(headings, rows, ['scope', 'store', 'origin', 'since', 'place']));
          }
          return EXIT.done;
        }),
      );
  },
};
