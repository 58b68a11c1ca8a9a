import { Command, CommanderError } from 'commander';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { currentSurroundings, isAtServer } from '../config/surroundings.ts';
import { type CommandEntry, COMMANDS } from './commands.ts';
import { tellComplaint } from './complaint.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { declareGlobalOptions, type GlobalOptions } from './global-options.ts';
import { type Act, Invocation } from './invocation.ts';
import { openLog, tellingOf } from './log.ts';
import { forgetTexts } from './name-lists.ts';
import { Output } from './output.ts';
import { version } from './version.ts';

export interface RunOptions {
  /** The command line, as it was written. */
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Called when the command is over, with what it ended with; `command` as it is written: `rule add`. */
  readonly onEnd: (exitCode: ExitCode, command: string) => void;
}

/** The whole command line; of the commands in `names` with their options, of the others the name only. */
export async function makeProgram(names: ReadonlySet<string>, options: RunOptions): Promise<Command> {
  const program = new Command('pando')
    .description('Pando says where data must live, gets it there, keeps it there, and can prove it.')
    .version(`pando ${version()}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(add --help for what there is)')
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => tellComplaint(text, write),
    });
  declareGlobalOptions(program);
  forgetTexts();
  program.addHelpText('after', EXIT_CODES);
  const isWhole = names.has(DESCRIBES_ALL);
  for (const entry of COMMANDS) {
    const { name, summary } = entry;
    const command = program.command(name).summary(summary).description(`${summary}.`);
    if (isWhole || names.has(name)) (await entry.load()).declare(command, makeAct(options, entry));
  }
  return program;
}

/** Commander's own ends: 0 after help and version, 2 after what it did not understand. */
export function exitCodeOfCommander(error: CommanderError): ExitCode {
  return error.exitCode === 0 ? EXIT.done : EXIT.usage;
}

function makeAct({ args, signal, onEnd }: RunOptions, entry: CommandEntry): Act {
  return (run) =>
    async (...given) => {
      const command = given.at(-1) as Command;
      const globals = command.optsWithGlobals<GlobalOptions>();
      const { verbose, quiet = false, logLevel, logFormat } = globals;
      const output = new Output(globals);
      const server = demandServer(command, globals, entry);
      if (server !== undefined) {
        const [{ runAtServer }, { runOnOwnScopes }, { readServerAddress, showsToken }, { wordsForServer }] =
          await Promise.all([
            import('./at-server.ts'),
            import('./own-scopes.ts'),
            import('./server-address.ts'),
            import('./words-for-server.ts'),
          ]);
        const address = readServerAddress(server);
        const name = nameOf(command);
        if (showsToken(address))
          output.note(`the token goes to ${address.base.host} in the clear: https:// would hide it`);
        const ended = await runOnOwnScopes({ server: address, command, name, globals, output, signal });
        const carryOut = (): Promise<ExitCode> =>
          runAtServer({ server: address, words: wordsForServer({ args, command, name }), output, signal });
        onEnd(ended ?? (await carryOut()), name);
        return;
      }
      const log = await openLog({ verbose, quiet, logLevel, logFormat });
      const telling = tellingOf(log, { verbose, quiet, logLevel });
      await using cli = new Invocation({ globals, output, log, telling, signal, isShort: entry.isShort === true });
      try {
        onEnd(await run(cli, command.processedArgs as never, globals as never), nameOf(command));
      } catch (error) {
        cli.names.rename(error);
        throw error;
      }
    };
}

/** The server that is to carry a command out. One that is only in the environment is not meant for what is about this machine. */
function demandServer(
  command: Command,
  { server }: GlobalOptions,
  { name, isOfMachine, here }: CommandEntry,
): string | undefined {
  const isThere = isAtServer(currentSurroundings());
  if ((server === undefined && !isThere) || (isOfMachine !== true && here === undefined)) return server;
  if (isOfMachine === true && !isThere && rootOf(command).getOptionValueSource('server') !== 'cli') return undefined;
  const why = here ?? 'it is about the machine it runs on: leave --server away';
  throw new ConfigurationError([problemOutsideFiles('--server', `pando ${name} is carried out by no server`, why)]);
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}

/** `sync`, `rule add`. */
function nameOf(command: Command): string {
  const group = command.parent;
  return group === null || group.parent === null ? command.name() : `${group.name()} ${command.name()}`;
}

/** The command that must know all the others. */
const DESCRIBES_ALL = 'completion';

const EXIT_CODES = `
Exit codes: 0 done and verified · 1 something failed (listed) · 2 usage or configuration · 3 not found
            4 unavailable, try again later · 5 refused by a guard · 130 interrupted`;
