import { relative } from 'node:path';
import { formatBytesRoughly } from '../../config/quantity.ts';
import { escapeKey } from '../../domain/object/key.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { CommandModule, Invocation } from '../invocation.ts';
import { printSyncResult } from '../sync-report.ts';
import { openProgress } from '../sync-progress.ts';
import { serveSite, untilAborted } from '../serve-site.ts';
import { printVerified } from '../verify.ts';
import { damageCopy } from './damage-copy.ts';
import { leftOutOf, printLeftOut, syncedWithout, verifiedWithout } from './left-out.ts';
import { prepareDemo, type PreparedDemo } from './prepare-demo.ts';

export const demo: CommandModule = {
  declare(command, act) {
    command
      .argument('[directory]', 'what to mirror; without it: a copy of the files in this directory')
      .action(act<[string | undefined]>((cli, [directory]) => runDemo(cli, directory)));
  },
};

/** The main job on real files, in seconds: two replicas, one damaged on purpose, a read that is right all the same, the repair. */
async function runDemo(cli: Invocation, directory: string | undefined): Promise<ExitCode> {
  const { output } = cli;
  const prepared = prepareDemo(process.cwd(), directory);
  const shown = (path: string): string => relative(process.cwd(), path) || '.';
  if (prepared.copied !== undefined) {
    const { files, leftOut } = prepared.copied;
    const without = leftOut.length === 0 ? '' : `, without ${leftOut.join(', ')}`;
    output.print(`The source is ${shown(prepared.source)}, a copy of the ${files} files here${without}.`);
  } else output.print(`The source is ${shown(prepared.source)}; it is only read.`);
  const { Pando } = await import('../../compose.ts');
  const { openConfiguration } = await import('../../config/open-configuration.ts');
  await using pando = new Pando(await openConfiguration({ config: prepared.configuration }));
  const { mirror, readDamaged, verifyAgain } = await import('./demo-steps.ts');

  step(cli, '1', 'Mirror it into two replicas, with one read of the source for both.');
  using progress = await openProgress(output, { forced: false, hidden: false });
  const synced = await mirror(pando, progress.show, cli.signal);
  progress.end();
  const leftOut = leftOutOf(synced);
  await printSyncResult(output, syncedWithout(synced, leftOut));
  if (synced.state === 'interrupted') return EXIT.interrupted;
  if (synced.state !== 'done' && leftOut.length === 0) return EXIT.failed;
  printLeftOut(output, leftOut);

  const damaged = damageCopy(prepared.replicas[0]);
  if (damaged === undefined) {
    output.print('There is no file to damage, so the demonstration ends here.');
    return EXIT.done;
  }
  const name = escapeKey(damaged.name);
  step(cli, '2', `Damage one copy as a failing disk would: a byte of near:${name} flipped, size and time as before.`);
  output.print(`  ${shown(damaged.path)}: byte ${damaged.position} was ${damaged.was}, is ${damaged.is}`);

  step(cli, '3', `Read demo:${name}. near is asked first; what it gives is not the object, so far is asked.`);
  const read = await readDamaged(pando, damaged.name, cli.signal);
  output.print(`  ${formatBytesRoughly(read.bytes)} from ${read.servedBy}, sha256 ${read.sha256.slice(0, 16)}…`);
  output.print(`  the source has               sha256 ${damaged.hashOf(prepared.source).slice(0, 16)}…`);

  step(cli, '4', 'Read every copy again, and mend what is wrong.');
  const verified = verifiedWithout(await verifyAgain(pando, cli.signal), leftOut);
  await printVerified(output, verified);

  step(cli, '5', 'Serve it: the objects by HTTP, from whichever copy is good.');
  const isAttended = process.stdin.isTTY && process.stdout.isTTY;
  await serveSite(cli, pando.configuration, { port: 0 }, async (url) => {
    await printServed(cli, url, damaged.name);
    output.print('');
    printNext(cli, prepared, shown);
    if (!isAttended) return;
    output.print(`\nThe server listens on ${url} until Ctrl-C.`);
    await untilAborted(cli.signal);
  });
  return verified.unrepaired === 0 ? EXIT.done : EXIT.failed;
}

async function printServed({ output, signal }: Invocation, url: string, name: string): Promise<void> {
  const object = `${url}/demo/${name.split('/').map(encodeURIComponent).join('/')}`;
  const response = await fetch(object, { signal });
  const { length } = await response.bytes();
  const hash = response.headers.get('x-pando-sha256') ?? '';
  output.print(`  GET ${object}`);
  output.print(`  ${response.status}, ${formatBytesRoughly(length)}, x-pando-sha256: ${hash.slice(0, 16)}…`);
}

function step({ output }: Invocation, number: string, text: string): void {
  output.print('');
  output.print(output.isColoured ? `\x1b[1m${number}. ${text}\x1b[0m` : `${number}. ${text}`);
  output.print('');
}

function printNext({ output }: Invocation, prepared: PreparedDemo, shown: (path: string) => string): void {
  const pando = `npx pando --config ${shown(prepared.configuration)}`;
  output.print(
    `Everything is in ${shown(prepared.place)}/: the configuration, the replicas, the catalog. Delete it at any time.`,
  );
  output.print('Try next:');
  output.print(`  ${pando} status              # what is where`);
  output.print(`  ${pando} ls -l demo:         # the objects`);
  output.print(`  ${pando} sync demo           # again: nothing to do`);
  output.print(`  ${pando} verify demo         # read all copies again`);
  output.print('  npx pando sync DIR /some/other/disk    # any directory, anywhere');
  output.print(`  ${pando} server              # serve it, on http://127.0.0.1:8080; then, in another terminal:`);
  output.print('  curl http://127.0.0.1:8080/demo               # the objects');
  output.print('  curl -T FILE http://127.0.0.1:8080/notes/     # a new one, in a scope that comes into being with it');
}
