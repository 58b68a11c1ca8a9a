import type { Pando } from '../compose.ts';
import type { Configuration, ServerSettings } from '../config/configuration.ts';
import { withServer } from '../config/server-settings.ts';
import { currentSurroundings } from '../config/surroundings.ts';
import type { Invocation } from './invocation.ts';
import { commandRunner } from './run-commands.ts';
import { version } from './version.ts';

export interface ServeOptions {
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

/** Serves a site, and works as a worker beside it, until `use` is done or the command is told to end. */
export async function serveSite(
  cli: Invocation,
  said: Configuration,
  options: ServeOptions,
  use: (url: string, settings: ServerSettings) => Promise<void>,
): Promise<void> {
  const { configuration, settings, store } = withServer(said, options, currentSurroundings());
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
    runCommand: commandRunner(cli.globals),
    onFault: (message, facts) => cli.log('error', message, facts),
    onServed: (facts) => cli.telling.debug?.('served', facts),
  });
  const ended = new AbortController();
  const loops = keepWorking(cli, pando, configuration, AbortSignal.any([cli.signal, ended.signal]));
  try {
    await use(site.url, settings);
  } finally {
    ended.abort();
    await site.close(GRACE_MS);
    await loops;
  }
}

export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((stop) => signal.addEventListener('abort', stop, { once: true }));
}

/** What a worker does, beside serving. It fails when the catalog does, and is begun again. */
async function keepWorking(
  cli: Invocation,
  pando: Pando,
  { profiles }: Configuration,
  signal: AbortSignal,
): Promise<void> {
  const { runWorkLoops } = await import('./work-loops.ts');
  const pool = {
    onWorkerLost: (why: string) => cli.log('warn', `a copy worker was lost (${why}); its work is done again`),
    onCannotStart: (why: string) =>
      cli.log('error', `copy workers do not start, and what they were to copy waits (${why})`),
  };
  while (!signal.aborted) {
    try {
      await runWorkLoops({ pando, profiles: Object.values(profiles), log: cli.log, untilIdle: false, signal, pool });
    } catch (error) {
      if (signal.aborted) return;
      const why = error instanceof Error ? error.message : String(error);
      cli.log('warn', `requests and rules wait: ${why}`);
      await pando.clock.sleep(LOOPS_AGAIN_MS, signal).catch(() => undefined);
    }
  }
}
