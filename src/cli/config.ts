import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Imported } from '../config/imported.ts';
import { ConfigurationError } from '../config/problem.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Act, CommandModule, Invocation } from './invocation.ts';
import { findNamesElsewhere } from './names-elsewhere.ts';

export const config: CommandModule = {
  declare(command, act) {
    command
      .command('show')
      .description('the configuration in effect, with every default; secrets masked')
      .action(act((cli) => show(cli)));
    command
      .command('check')
      .description('everything that is wrong with the configuration, at once, and what is worth a second look')
      .action(act((cli) => checkAndTell(cli)));
    declareImport(command.command('import-rclone'), act, {
      description: 'turn an rclone.conf into profiles, on stdout',
      place: join(homedir(), '.config/rclone/rclone.conf'),
      load: async () => (await import('../config/import-rclone.ts')).importRclone,
    });
    declareImport(command.command('import-msc'), act, {
      description: 'turn a multi-storage client configuration into profiles, on stdout',
      place: join(homedir(), '.msc_config.yaml'),
      load: async () => (await import('../config/import-msc.ts')).importMsc,
    });
  },
};

async function show(cli: Invocation): Promise<ExitCode> {
  const { describeConfiguration, renderConfiguration } = await import('../config/show.ts');
  const configuration = await cli.configuration();
  if (cli.globals.json === true) cli.output.printJson(describeConfiguration(configuration));
  else cli.output.print(renderConfiguration(configuration).trimEnd());
  return EXIT.done;
}

/** With `--json` what is wrong is the result. */
async function checkAndTell(cli: Invocation): Promise<ExitCode> {
  try {
    return await check(cli);
  } catch (error) {
    if (cli.globals.json === true && error instanceof ConfigurationError)
      cli.output.printJson({ problems: error.problems });
    throw error;
  }
}

async function check(cli: Invocation): Promise<ExitCode> {
  const { adviseOn } = await import('../config/advice.ts');
  const configuration = await cli.configuration();
  const elsewhere = await findNamesElsewhere(configuration);
  if (elsewhere.size > 0) throw new ConfigurationError([...elsewhere.values()]);
  const advice = adviseOn(configuration);
  const profiles = Object.keys(configuration.profiles);
  if (cli.globals.json === true) cli.output.printJson({ file: configuration.file, profiles, advice });
  else {
    const file = configuration.file ?? 'no configuration file was found, and none is needed';
    cli.output.print(`${file}: right; ${profiles.length === 1 ? 'one profile' : `${profiles.length} profiles`}`);
    for (const sentence of advice) cli.output.print(`  ${sentence}`);
  }
  return EXIT.done;
}

function declareImport(
  command: ReturnType<Parameters<CommandModule['declare']>[0]['command']>,
  act: Act,
  kind: {
    readonly description: string;
    readonly place: string;
    readonly load: () => Promise<(text: string) => Imported>;
  },
): void {
  command
    .description(kind.description)
    .argument('[file]', 'where it is', kind.place)
    .action(
      act<[string]>(async (cli, [file]) => {
        const imported = (await kind.load())(readFileSync(file, 'utf8'));
        if (cli.globals.json === true) cli.output.printJson(imported);
        else {
          cli.output.print(imported.yaml.trimEnd());
          for (const note of imported.notes) cli.output.note(`pando: ${note}`);
        }
        return EXIT.done;
      }),
    );
}
