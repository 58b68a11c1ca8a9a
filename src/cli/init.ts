import { existsSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { currentSurroundings } from '../config/surroundings.ts';
import { demandDirectoryOf } from './demand-directory.ts';
import { demandOwnPath } from './demand-own-path.ts';
import { EXIT } from './exit-codes.ts';
import type { CommandModule } from './invocation.ts';
import { findNamesElsewhere } from './names-elsewhere.ts';

const FILE = 'pando.yaml';

export const init: CommandModule = {
  declare(command, act) {
    command.argument('[directories...]', 'the source, then its replicas').action(
      act<[string[]]>(async (cli, [directories]) => {
        const { renderTemplate } = await import('../config/template.ts');
        const file = resolve(cli.globals.config ?? FILE);
        if (existsSync(file) && cli.globals.yes !== true)
          throw refusal(`${file} exists already`, 'name another file with --config, or replace it with --yes');
        refuseUrls(directories);
        for (const one of directories) demandOwnPath('init', one);
        demandDirectoryOf(file);
        const avoided = new Set<string>();
        let text = renderTemplate(directories);
        let configuration = await check(text, file, cli.globals.data);
        for (;;) {
          const elsewhere = await findNamesElsewhere(configuration);
          if (elsewhere.size === 0) break;
          for (const name of elsewhere.keys()) avoided.add(name);
          text = renderTemplate(directories, avoided);
          configuration = await check(text, file, cli.globals.data);
        }
        const { profiles } = configuration;
        writeFileSync(file, text);
        const [source] = Object.values(profiles);
        cli.output.print(`${file}: checked and written; profiles: ${Object.keys(profiles).join(', ')}`);
        for (const name of avoided)
          cli.output.print(`No profile is called ${name}: the catalog knows it with its source at another place.`);
        if (source !== undefined && source.replicas.length > 0)
          cli.output.print(`Next: pando sync pando://${source.name}`);
        return EXIT.done;
      }),
    );
  },
};

/** Problems are told without a line: the file that has it is not written. */
async function check(text: string, file: string, data: string | undefined): Promise<Configuration> {
  const { parseConfiguration } = await import('../config/load.ts');
  try {
    return parseConfiguration(text, { file, data, surroundings: currentSurroundings() });
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    const problems = error.problems.map(({ path, message, remedy }) => problemOutsideFiles(path, message, remedy));
    throw new ConfigurationError(problems, { cause: error });
  }
}

function refuseUrls(directories: readonly string[]): void {
  const wrong = directories.filter((one) => one === '' || /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(one));
  if (wrong.length === 0) return;
  const remedy = 'name directories here, and write other stores into pando.yaml: it has an example';
  throw new ConfigurationError(
    wrong.map((one) => problemOutsideFiles('init', `${JSON.stringify(one)} is no directory`, remedy)),
  );
}

function refusal(message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([problemOutsideFiles('init', message, remedy)]);
}
