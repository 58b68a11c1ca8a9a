import type { Peers } from '../client/peers.ts';
import { countOf } from '../domain/count-of.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { Different } from '../engine/sites/compare-sites.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';

/** Differences that are kept for `--json`; all are counted. */
const KEPT_MAX = 10_000;

/** `pando peer check`. */
export async function checkPeer(
  cli: Invocation,
  peers: Peers,
  { name, scope }: { readonly name: string; readonly scope: string | undefined },
): Promise<ExitCode> {
  const isJson = cli.globals.json === true;
  const kept: Different[] = [];
  const compared = await peers.check(name, {
    scope,
    signal: cli.signal,
    onDifferent(found) {
      if (isJson) kept.push(...found.slice(0, KEPT_MAX - kept.length));
      else for (const one of found) cli.output.print(describe(one, name));
    },
  });
  if (compared.kind === 'unreachable') {
    cli.output.complain(`${name} could not be asked: ${compared.why}`);
    return EXIT.unavailable;
  }
  const { different } = compared;
  if (isJson) cli.output.printJson({ equal: different === 0, ...compared, objects: kept });
  else if (different === 0) cli.output.note(`${name} has what is here, and nothing else`);
  else {
    const { waiting, dead, withheld } = await peers.show(name);
    cli.output.complain(`${countOf(different, 'object')} ${different === 1 ? 'differs' : 'differ'}`);
    if (waiting > 0) cli.output.note(`${countOf(waiting, 'change')} are on the way to it: pando peer wait ${name}`);
    if (dead > 0) cli.output.note(`it has refused ${dead}: pando peer dead-letters ${name}`);
    if (withheld > 0) cli.output.note(`${withheld} are withheld from it`);
    if (waiting + dead + withheld === 0) cli.output.note(`to send it what it lacks: pando peer resync ${name}`);
  }
  return different === 0 ? EXIT.done : EXIT.failed;
}

function describe({ scope, name, here, there }: Different, peer: string): string {
  const object = `${scope}:${escapeKey(name)}`;
  if (here === undefined) return `${object}: only ${peer} knows of it`;
  if (there === undefined) return `${object}: ${peer} does not know of it`;
  return `${object}: here ${here}, at ${peer} ${there}`;
}
