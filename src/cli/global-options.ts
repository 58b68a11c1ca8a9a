import { type Command, Option } from 'commander';
import { LOG_LEVELS, type LogLevel } from './log.ts';

export interface GlobalOptions {
  readonly config?: string;
  readonly data?: string;
  readonly json?: boolean;
  readonly verbose: number;
  readonly quiet?: boolean;
  readonly logLevel?: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly color: boolean;
  readonly yes?: boolean;
  readonly server?: string;
}

/** Understood before and after the command. */
export function declareGlobalOptions(program: Command): void {
  program
    .option('--config <file>', 'read this configuration file and no other')
    .option('--data <directory>', 'keep the embedded catalog in this directory')
    .option('--json', 'write the result as JSON')
    .addOption(
      new Option('-v, --verbose', 'tell more; -vv tells everything').argParser(count).default(0, 'only warnings'),
    )
    .option('-q, --quiet', 'tell nothing but errors and the result')
    .addOption(new Option('--log-level <level>', 'log this much to stderr').choices(LOG_LEVELS))
    .addOption(new Option('--log-format <format>', 'how log lines look').choices(['text', 'json']).default('text'))
    .option('--no-color', 'no colours')
    .option('--yes', 'take every question for answered with yes')
    .addOption(
      new Option('--server <url>', 'have the server there carry the command out; its token is in PANDO_TOKEN').env(
        'PANDO_SERVER',
      ),
    );
}

function count(_value: string, previous: unknown): number {
  return (typeof previous === 'number' ? previous : 0) + 1;
}
