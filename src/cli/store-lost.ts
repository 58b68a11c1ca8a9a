import { loseStore, planLostPlace } from '../client/lose-store.ts';
import { countOf } from '../domain/count-of.ts';
import { escapeKey } from '../domain/object/key.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { printLoss } from './plan.ts';

/** Names shown to people; with `--json` all are. */
const NAMES_SHOWN = 10;

/** `pando store lost`. */
export async function sayLost(cli: Invocation, what: string, isMeant: boolean): Promise<ExitCode> {
  return isMeant ? await lose(cli, what) : await tell(cli, what);
}

async function tell(cli: Invocation, what: string): Promise<ExitCode> {
  const { output, signal } = cli;
  const planned = await planLostPlace(await cli.pando(), what, { signal });
  if (cli.globals.json === true) output.printJson(planned);
  else {
    await printLoss(output, planned);
    const { copies, copiesWanted, deletes } = planned.held;
    output.print(
      `Forgotten would be ${copiesOf(copies)} at ${planned.place}, and of what waits for it ` +
        `${copiesOf(copiesWanted)} and ${countOf(deletes, 'delete')}.`,
    );
    if (!signal.aborted) output.note(`nothing was changed; if it is meant: pando store lost ${what} --yes`);
  }
  return signal.aborted ? EXIT.interrupted : EXIT.done;
}

async function lose(cli: Invocation, what: string): Promise<ExitCode> {
  const { output, signal, globals } = cli;
  const names: string[] = [];
  const lost = await loseStore(await cli.pando(), what, {
    signal,
    onLost: (object) => {
      if (globals.json === true || names.length < NAMES_SHOWN) names.push(object);
    },
  });
  const { store, place, copies, lostObjects, isInterrupted } = lost;
  if (globals.json === true) output.printJson({ ...lost, lostNames: names });
  else {
    output.note(`${store}: ${copiesOf(copies)} at ${place} ${copies === 1 ? 'is' : 'are'} forgotten`);
    if (lostObjects > 0) {
      output.complain(`${countOf(lostObjects, 'object')} ${lostObjects === 1 ? 'has' : 'have'} no copy left:`);
      for (const name of names) output.complain(`  ${escapeKey(name)}`);
      if (lostObjects > names.length) output.complain(`  … and ${lostObjects - names.length} more`);
    }
  }
  if (isInterrupted) {
    output.complain(`interrupted: the rest is still known; say it again: pando store lost ${what} --yes`);
    return EXIT.interrupted;
  }
  return lostObjects > 0 ? EXIT.failed : EXIT.done;
}

function copiesOf(count: number): string {
  return `${count} ${count === 1 ? 'copy' : 'copies'}`;
}
