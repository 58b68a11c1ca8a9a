import { declareScope, type NameOptions, scopeOf } from './catalog-names.ts';
import { EXIT } from './exit-codes.ts';
import { printObjectExplanation, printRuleExplanation } from './explain-report.ts';
import type { CommandModule } from './invocation.ts';

export const explain: CommandModule = {
  declare(command, act) {
    declareScope(command)
      .argument('<what>', 'scope:name of an object, or the number of a rule')
      .action(
        act<[string], NameOptions>(async (cli, [what], options) => {
          const { explain: run } = await import('../client/explain.ts');
          const pando = await cli.pando();
          const explanation = await run(pando, what, scopeOf(options));
          const nowMs = pando.clock.nowMs();
          if (cli.globals.json === true) cli.output.printJson(explanation);
          else if (explanation.kind === 'rule') await printRuleExplanation(cli, explanation, nowMs);
          else await printObjectExplanation(cli, explanation, nowMs);
          return EXIT.done;
        }),
      );
  },
};
