import { boundHeap } from './bound-heap.ts';
import { describeFailure } from './describe-failure.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { onInterrupt } from './interrupt.ts';
import { stdoutFailure, watchStdout } from './stdout.ts';
import { version } from './version.ts';

/** What these print is a report of what they did; what others print is what was asked for. */
const DOES: ReadonlySet<string> = new Set(['sync', 'get', 'put', 'cp', 'rm', 'upload', 'download', 'worker']);

/** Runs one command line and gives what the process is to end with. Never throws. */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
    process.stdout.write(`pando ${version()}\n`);
    return EXIT.done;
  }
  boundHeap();
  // Help is written before there is an `Output`.
  watchStdout();
  const [{ makeProgram, exitCodeOfCommander }, { showHelp }] = await Promise.all([
    import('./program.ts'),
    import('./show-help.ts'),
  ]);
  using interrupt = onInterrupt();
  let exitCode: ExitCode = EXIT.done;
  try {
    let isDone = false;
    const onEnd = (code: ExitCode, command: string): void => {
      exitCode = code;
      isDone = code === EXIT.done && DOES.has(command);
    };
    const program = await makeProgram(new Set(argv), { args: argv, signal: interrupt.signal, onEnd });
    showHelp(program, argv);
    await program.parseAsync(argv, { from: 'user' });
    // What was written last fails a turn later.
    await new Promise((resolve) => setImmediate(resolve));
    const failure = stdoutFailure();
    if (failure === undefined) return exitCode;
    process.stderr.write(`pando: stdout: ${failure}${isDone ? '; what was asked for is done' : ''}\n`);
    return EXIT.failed;
  } catch (error) {
    if (error instanceof Error && error.name === 'CommanderError')
      return exitCodeOfCommander(error as Parameters<typeof exitCodeOfCommander>[0]);
    const failure = describeFailure(error);
    const isTraced = argv.some((argument) => argument === '-vv' || argument === '--log-level=debug');
    const trace = isTraced && error instanceof Error ? `\n${error.stack ?? ''}` : '';
    process.stderr.write(`pando: ${failure.message}${trace}\n`);
    return interrupt.signal.aborted ? EXIT.interrupted : failure.exitCode;
  }
}
