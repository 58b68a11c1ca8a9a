import type { ServerSettings } from '../config/configuration.ts';
import { type ReplicationFlags, withReplication } from '../config/replication-settings.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { bytes, portNumber, url } from './option-values.ts';
import { type ServeOptions, serveSite, untilAborted } from './serve-site.ts';

type ServerOptions = ReplicationFlags & ServeOptions;

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
  const configuration = { ...said, ...(replication === undefined ? {} : { replication }) };
  await serveSite(cli, configuration, options, async (url, settings) => {
    announce(cli, url, settings);
    await untilAborted(cli.signal);
  });
  return EXIT.done;
}

function announce(cli: Invocation, url: string, { host }: ServerSettings): void {
  if (cli.globals.json === true) cli.output.printJsonLine({ listening: url, host, pid: process.pid });
  else cli.output.print(`pando server listens on ${url}`);
}
