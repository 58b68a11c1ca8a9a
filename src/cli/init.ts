import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';

const FILE = 'pando.yaml';

export const init: CommandModule = {
  declare(command, act) {
    command.argument('[directories...]', 'the source, then its replicas').action(
      act<[string[]]>(async (cli, [directories]) => {
        const { renderTemplate } = await import('../config/template.ts');
        const file = resolve(cli.globals.config ?? FILE);
        if (existsSync(file) && cli.globals.yes !== true) {
          const remedy = 'name another file with --config, or replace it with --yes';
          throw new ConfigurationError([problemOutsideFiles('init', `${file} exists already`, remedy)]);
        }
        const text = renderTemplate(directories);
        writeFileSync(file, text);
        const { loadConfiguration } = await import('../config/load.ts');
        const { profiles } = loadConfiguration({ config: file, data: cli.globals.data });
        const [source] = Object.values(profiles);
        cli.output.print(`${file}: written and checked; profiles: ${Object.keys(profiles).join(', ')}`);
        if (source !== undefined && source.replicas.length > 0) cli.output.print(`Next: pando sync pando://${source.name}`);
        return EXIT.done;
      }),
    );
  },
};
