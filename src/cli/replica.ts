import { escapeKey } from '../domain/object/key.ts';
import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { type AccountOptions, actorOf, declareAccount } from './open-rules.ts';
import { renderTable } from './table.ts';

export const replica: CommandModule = {
  declare(command, act) {
    declareScope(command.command('ls').description('list the copies of an object, and what they are there for'))
      .argument('<object>', 'scope:name')
      .action(
        act<[string], NameOptions>(async (cli, [object], options) => {
          const { listReplicas } = await import('../client/replicas.ts');
          const replicas = await listReplicas(await cli.pando(), object, scopeOf(options));
          if (cli.globals.json === true) cli.output.printJson(replicas);
          else if (replicas.length === 0) cli.output.note('no copies');
          else {
            const rows = replicas.map((one) => [
              one.store,
              one.isSoft ? `${one.state} (soft)` : one.state,
              one.verification,
              one.isCurrent ? 'current' : 'older',
              one.policyStatus ?? '',
              one.because.join(', '),
              escapeKey(one.place),
            ]);
            const headings = ['copy at', 'state', 'verified', 'version', 'policy', 'it is there for', 'place'];
            cli.output.print(await renderTable(headings, rows, headings));
          }
          return EXIT.done;
        }),
      );
    declareAccount(
      declareScope(
        command
          .command('declare-bad')
          .description('say that copies at a store are bad: rules bring others from good ones; for administrators'),
      ),
    )
      .argument('<store>', 'the profile')
      .argument('<objects...>', 'scope:name of each, or patterns, which mean the copies that are there')
      .action(
        act<[string, string[]], NameOptions & AccountOptions>(async (cli, [store, objects], options) => {
          const { declareBad } = await import('../client/replicas.ts');
          const actor = await actorOf(cli, options);
          const declared = [];
          const asked = { store, objects, scope: scopeOf(options), actor };
          for await (const one of declareBad(await cli.pando(), asked)) {
            declared.push(one);
            const { object, outcome, isLost } = one;
            if (cli.globals.json !== true)
              cli.output.note(
                `${escapeKey(object)}: ${outcome === 'declared' ? 'is bad' : 'was bad already'} at ${store}`,
              );
            if (isLost) cli.output.complain(`${escapeKey(object)} is LOST: no copy is left that could be good`);
          }
          if (cli.globals.json === true) cli.output.printJson(declared);
          return EXIT.done;
        }),
      );
  },
};
