import { Option } from 'commander';
import type { Awaited, Peers } from '../client/peers.ts';
import { formatInstant } from '../domain/format-instant.ts';
import type { Peer, Position } from '../ports/journal.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CommandModule, Invocation } from './invocation.ts';
import { readText } from './name-lists.ts';
import { commaList, duration } from './option-values.ts';
import { checkPeer } from './peer-check.ts';
import { letter, listLetters, settleLetters } from './peer-letters.ts';
import { renderTable } from './table.ts';

interface AddOptions {
  readonly name?: string;
  readonly scopes?: readonly string[];
  readonly mode: Peer['mode'];
  readonly direction: Peer['direction'];
  /** What is in it. */
  readonly tokenFile?: string;
}

interface SetOptions {
  readonly url?: string;
  readonly scopes?: readonly string[];
  readonly allScopes?: boolean;
  readonly mode?: Peer['mode'];
  readonly direction?: Peer['direction'];
  /** What is in it. */
  readonly tokenFile?: string;
}

interface WaitOptions {
  readonly scope?: string;
  readonly timeout?: number;
}

export const peer: CommandModule = {
  declare(command, act) {
    command
      .command('add')
      .description('replicate with another site; what is here already comes to it, too')
      .argument('<url>', 'where it is, such as https://site-b.example.com')
      .option('--name <name>', 'how it is called here; by default its host')
      .option('--scopes <names>', 'only these, separated by commas', commaList)
      .addOption(
        new Option('--mode <mode>', 'whether writes here wait for it').choices(['async', 'sync']).default('async'),
      )
      .addOption(
        new Option('--direction <direction>', 'who tells whom').choices(['both', 'send', 'receive']).default('both'),
      )
      .option('--token-file <file>', 'holds what this site shows it; - is stdin', readToken)
      .action(
        act<[string], AddOptions>(async (cli, [url], { tokenFile: token, ...options }) => {
          const name = await (await open(cli)).add({ url, token, ...options });
          if (cli.globals.json === true) cli.output.printJson({ name, url });
          else cli.output.note(`${name} is a peer; pando server sends to it, and pando peer wait ${name} waits for it`);
          return EXIT.done;
        }),
      );
    command
      .command('set')
      .description('change how this site replicates with another; one that is told of more is compared')
      .argument('<peer>', 'its name, or its site’s id')
      .option('--url <url>', 'where it is')
      .option('--scopes <names>', 'only these from now on, separated by commas', commaList)
      .addOption(new Option('--all-scopes', 'all scopes from now on').conflicts('scopes'))
      .addOption(new Option('--mode <mode>', 'whether writes here wait for it').choices(['async', 'sync']))
      .addOption(new Option('--direction <direction>', 'who tells whom').choices(['both', 'send', 'receive']))
      .option('--token-file <file>', 'holds what this site shows it; - is stdin', readToken)
      .action(act<[string], SetOptions>((cli, [name], options) => setPeer(cli, name, options)));
    command
      .command('ls')
      .description('list the sites this one replicates with, and how far they are')
      .action(
        act<[]>(async (cli) => {
          const peers = await (await open(cli)).list();
          if (cli.globals.json === true) cli.output.printJson(peers);
          else if (peers.length === 0) cli.output.note('no peers: pando peer add URL');
          else {
            const headings = ['peer', 'state', 'direction', 'mode', 'waiting', 'dead', 'acknowledged', 'last', 'url'];
            const rows = peers.map((one) => [
              one.name,
              describeState(one),
              one.direction,
              one.mode,
              String(one.waiting),
              String(one.dead),
              String(one.acknowledged),
              one.lastAcknowledgedMs === undefined ? 'never' : formatInstant(one.lastAcknowledgedMs),
              one.url ?? '',
            ]);
            cli.output.print(await renderTable(headings, rows, ['peer', 'state', 'direction', 'mode', 'last', 'url']));
          }
          return EXIT.done;
        }),
      );
    command
      .command('show')
      .description('all that is known of a peer')
      .argument('<peer>', 'its name, or its site’s id')
      .action(
        act<[string]>(async (cli, [name]) => {
          const found = await (await open(cli)).show(name);
          if (cli.globals.json === true) cli.output.printJson(found);
          else for (const line of describePeer(found)) cli.output.print(line);
          return EXIT.done;
        }),
      );
    command
      .command('rm')
      .description('replicate with a site no more; what waits for it is forgotten')
      .argument('<peer>', 'its name, or its site’s id')
      .action(
        act<[string]>(async (cli, [name]) => {
          const gone = await (await open(cli)).remove(name);
          if (cli.globals.json === true) cli.output.printJson(gone);
          else
            cli.output.note(
              `${gone.name} is no peer any more; ${gone.waiting + gone.dead} entries for it are forgotten`,
            );
          return EXIT.done;
        }),
      );
    command
      .command('check')
      .description('compare what a peer has with what is here by digests; 0: it is equal, 1: it differs')
      .argument('<peer>', 'its name, or its site’s id')
      .option('--scope <name>', 'only this scope')
      .action(
        act<[string], { readonly scope?: string }>(async (cli, [name], { scope }) =>
          checkPeer(cli, await open(cli), { name, scope }),
        ),
      );
    command
      .command('resync')
      .description('have the server compare a peer with this site, and send what it lacks')
      .argument('<peer>', 'its name, or its site’s id')
      .action(
        act<[string]>(async (cli, [given]) => {
          const { name } = await (await open(cli)).resync(given);
          if (cli.globals.json === true) cli.output.printJson({ name });
          else cli.output.note(`pando server compares ${name} with this site; pando peer wait ${name} waits for it`);
          return EXIT.done;
        }),
      );
    command
      .command('dead-letters')
      .description('list what a peer has refused, and why')
      .argument('<peer>', 'its name, or its site’s id')
      .action(act<[string]>(async (cli, [name]) => listLetters(cli, await open(cli), name)));
    const settle = (verb: string, description: string, to: 'waiting' | 'withheld'): void => {
      command
        .command(verb)
        .description(description)
        .argument('<peer>', 'its name, or its site’s id')
        .argument('[letters...]', 'only these; otherwise all', letter)
        .action(
          act<[string, Position[] | undefined]>(async (cli, [name, letters = []]) =>
            settleLetters(cli, await open(cli), { name, letters, to }),
          ),
        );
    };
    settle('replay', 'send once more what a peer has refused', 'waiting');
    settle('discard', 'give up what a peer has refused: it is never sent to it', 'withheld');
    command
      .command('wait')
      .description('wait until a peer has all that is here now; 1: it has refused some of it, 4: the time is over')
      .argument('<peer>', 'its name, or its site’s id')
      .option('--scope <name>', 'only of this scope')
      .option('--timeout <duration>', 'for so long at most', duration)
      .action(
        act<[string], WaitOptions>(async (cli, [name], { scope, timeout }) => {
          const awaited = await (await open(cli)).wait(name, { scope, timeoutMs: timeout, signal: cli.signal });
          return tellAwaited(cli, name, awaited);
        }),
      );
  },
};

async function setPeer(
  cli: Invocation,
  name: string,
  { url, scopes, allScopes = false, mode, direction, tokenFile: token }: SetOptions,
): Promise<ExitCode> {
  const peers = await open(cli);
  const changed = await peers.set(name, {
    ...(url === undefined ? {} : { url }),
    ...(scopes === undefined ? {} : { scopes }),
    ...(allScopes ? { scopes: null } : {}),
    ...(mode === undefined ? {} : { mode }),
    ...(direction === undefined ? {} : { direction }),
    ...(token === undefined ? {} : { token }),
  });
  if (cli.globals.json === true) cli.output.printJson(changed);
  else for (const line of describePeer(changed)) cli.output.print(line);
  return EXIT.done;
}

function readToken(file: string): string {
  return readText(file).trim();
}

function tellAwaited(cli: Invocation, name: string, awaited: Awaited): ExitCode {
  if (cli.globals.json === true) cli.output.printJson(awaited);
  switch (awaited.kind) {
    case 'caught-up':
      cli.output.note(`${name} has all that was here`);
      return EXIT.done;
    case 'dead':
      for (const { entry, error } of awaited.letters) {
        const what = entry.kind === 'version' ? `${entry.scope}:${entry.name}` : `the purge of ${entry.scope}`;
        cli.output.complain(`${name} refused ${what}: ${error}`);
      }
      return EXIT.failed;
    case 'timeout':
      cli.output.complain(`${name} ${describeLack(awaited)}; see pando peer show ${name}`);
      return EXIT.unavailable;
  }
}

function describeLack({ waiting, isComparing }: Extract<Awaited, { kind: 'timeout' }>): string {
  const entries = `has not got ${waiting} entries yet`;
  if (!isComparing) return entries;
  return waiting === 0 ? 'is not compared with this site yet' : `${entries}, and is not compared with this site yet`;
}

function describeState({ state, givenUpSinceMs, isAway }: Peer): string {
  return [state, ...(givenUpSinceMs === undefined ? [] : ['given up']), ...(isAway ? ['ALARM'] : [])].join(', ');
}

function describePeer(one: Peer): readonly string[] {
  const since = (ms: number | undefined): string => (ms === undefined ? 'never' : formatInstant(ms));
  return [
    `${one.name}: ${one.state}${one.lastError === undefined ? '' : `, ${one.lastError}`}`,
    `  site          ${one.site ?? 'not heard of yet'}`,
    `  url           ${one.url ?? 'it comes to us only'}`,
    `  direction     ${one.direction}, ${one.mode}`,
    `  scopes        ${one.scopes?.join(', ') ?? 'all'}`,
    `  acknowledged  ${one.acknowledged}, last ${since(one.lastAcknowledgedMs)}`,
    `  waiting       ${one.waiting}${one.handed === 0 ? '' : `, ${one.handed} of them being fetched`}${one.oldestMs === undefined ? '' : `, oldest of ${since(one.oldestMs)}`}`,
    `  refused       ${one.dead}${one.withheld === 0 ? '' : `, and ${one.withheld} given up`}`,
    `  compared      ${describeComparison(one)}`,
    ...(one.isAway
      ? [`  ALARM         it has been away for too long, since ${since(one.parkedSinceMs ?? one.oldestMs)}`]
      : []),
  ];
}

function describeComparison({ givenUpSinceMs, givenUp, needsResync }: Peer): string {
  const ever = givenUp === 0 ? '' : `; ${givenUp} entries were given up for it so far`;
  if (givenUpSinceMs !== undefined)
    return `when it is back: too much waited for it, and its queue is given up since ${formatInstant(givenUpSinceMs)}${ever}`;
  return `${needsResync ? 'not yet' : 'yes'}${ever}`;
}

async function open(cli: Invocation): Promise<Peers> {
  const { Peers: Opened } = await import('../client/peers.ts');
  return new Opened(await cli.pando());
}
