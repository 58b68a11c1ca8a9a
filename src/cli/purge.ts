import { countOf } from '../domain/count-of.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';

export const purge: CommandModule = {
  declare(command, act) {
    command
      .argument('<scope>', 'a scope that no profile names')
      .action(act<[string]>((cli, [scope]) => purgeScope(cli, scope)));
  },
};

async function purgeScope(cli: Invocation, scope: string): Promise<ExitCode> {
  const { countPurge, purge: carryOut } = await import('../client/purge.ts');
  const pando = await cli.pando();
  const isMeant = cli.globals.yes === true;
  const outcome = isMeant ? await carryOut(pando, scope) : await countPurge(pando, scope);
  switch (outcome.kind) {
    case 'unknown':
      cli.output.complain(`nobody has heard of a scope ${JSON.stringify(scope)}`);
      return EXIT.notFound;
    case 'has-source':
      cli.output.complain(`${scope} is a profile: what its source has is deleted with pando rm, or pando sync`);
      return EXIT.refused;
    case 'counted':
      if (cli.globals.json === true) cli.output.printJson({ scope, objects: outcome.objects, purged: false });
      cli.output.complain(
        `this deletes the ${countOf(outcome.objects, 'object')} of ${scope} for good, here and at its peers; nothing was changed; if it is meant: pando purge ${scope} --yes`,
      );
      return EXIT.refused;
    case 'purged':
      if (cli.globals.json === true) cli.output.printJson({ scope, objects: outcome.objects, purged: true });
      else
        cli.output.note(
          `${countOf(outcome.objects, 'object')} of ${scope} ${outcome.objects === 1 ? 'is' : 'are'} gone`,
        );
      return EXIT.done;
  }
}
