import { type ReplicationFlags, withReplication } from '../config/replication-settings.ts';
import { withServer } from '../config/server-settings.ts';
import { currentSurroundings } from '../config/surroundings.ts';
import type { Configuration, ServerSettings } from '../config/configuration.ts';
import type { Pando } from '../compose.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { bytes, portNumber, url } from './option-values.ts';
import { version } from './version.ts';

interface ServerOptions extends ReplicationFlags {
  readonly port?: number;
  readonly host?: string;
  readonly storage?: string;
  readonly size?: number;
  readonly insecure?: boolean;
}

/** What is under way when the server is told to stop has so long to end. */
const GRACE_MS = 10_000;
/** Loops that failed, because their catalog was away, are begun again after this. */
const LOOPS_AGAIN_MS = 5_000;

export const server: CommandModule = {
  declare(command, act) {
    command
      .option('--port <port>', 'listen on this port; 0 is any that is free', portNumber)
      .option('--host <address>', 'listen on this address; by default only this machine reaches it')
      .option('--storage <directory>', 'keep objects in this directory')
      .option('--size <size>', 'take no more than this: 1TB', bytes)
      .option('--insecure', 'listen beyond this machine without tokens and TLS')
      .option('--replication-enabled', 'send what changes here to other sites')
      .option('--replication-remote <url>', 'the site to send to', url)
      .option('--replication-token <token>', 'what it knows this site by')
      .action(act<[], ServerOptions>((cli, _args, options) => serve(cli, options)));
  },
};

async function serve(cli: Invocation, options: ServerOptions): Promise<ExitCode> {
  const said = await cli.configuration();
  const replication = withReplication(said.replication, options);
  const { configuration, settings, store } = withServer(
    { ...said, ...(replication === undefined ? {} : { replication }) },
    options,
    currentSurroundings(),
  );
  const [{ Pando: Opened }, { openSiteServer }] = await Promise.all([
    import('../compose.ts'),
    import('../compose-server.ts'),
  ]);
  await using pando = new Opened(configuration, cli.telling);
  const site = await openSiteServer(pando, {
    settings,
    store,
    isInsecure: options.insecure === true,
    version: version(),
    onFault: (message, facts) => cli.log('error', message, facts),
    onServed: (facts) => cli.telling.debug?.('served', facts),
  });
  const loops = keepWorking(cli, pando, configuration);
  try {
    announce(cli, site.url, settings);
    if (!cli.signal.aborted) await new Promise((stop) => cli.signal.addEventListener('abort', stop, { once: true }));
  } finally {
    await site.close(GRACE_MS);
    await loops;
  }
  return EXIT.done;
}

function announce(cli: Invocation, url: string, { host }: ServerSettings): void {
  if (cli.globals.json === true) cli.output.printJsonLine({ listening: url, host, pid: process.pid });
  else cli.output.print(`pando server listens on ${url}`);
}

/** What a worker does, beside serving. It fails when the catalog does, and is begun again. */
async function keepWorking(cli: Invocation, pando: Pando, { profiles }: Configuration): Promise<void> {
  const { runWorkLoops } = await import('./work-loops.ts');
  const pool = {
    onWorkerLost: (why: string) => cli.log('warn', `a copy worker was lost (${why}); its work is done again`),
    onCannotStart: (why: string) =>
      cli.log('error', `copy workers do not start, and what they were to copy waits (${why})`),
  };
  while (!cli.signal.aborted) {
    try {
      const { log, signal } = cli;
      await runWorkLoops({ pando, profiles: Object.values(profiles), log, untilIdle: false, signal, pool });
    } catch (error) {
      if (cli.signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      cli.log('warn', `requests and rules wait: ${why}`);
      await pando.clock.sleep(LOOPS_AGAIN_MS, cli.signal).catch(() => undefined);
    }
  }
}
