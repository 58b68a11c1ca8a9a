import { InvalidArgumentError } from 'commander';
import type { Peers } from '../client/peers.ts';
import { formatInstant } from '../domain/format-instant.ts';
import { escapeKey } from '../domain/object/key.ts';
import type { DeadLetter, Position } from '../ports/journal.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Invocation } from './invocation.ts';
import { renderTable } from './table.ts';

/** `1:17`, as `pando peer dead-letters` shows it. */
export function letter(text: string, before: unknown): Position[] {
  const [, slot, position] = /^(\d{1,9}):(\d{1,15})$/.exec(text) ?? [];
  if (slot === undefined) throw new InvalidArgumentError('It is no dead letter: pando peer dead-letters shows them.');
  const letters = Array.isArray(before) ? (before as Position[]) : [];
  return [...letters, { slot: Number(slot), position: Number(position) }];
}

/** `pando peer dead-letters`. */
export async function listLetters(cli: Invocation, peers: Peers, name: string): Promise<ExitCode> {
  const rows: string[][] = [];
  for await (const one of peers.deadLetters(name)) {
    if (cli.globals.json === true) cli.output.printJsonLine(one);
    else {
      const { slot, position, attempts, sinceMs, error } = one;
      rows.push([`${slot}:${position}`, whatOf(one), formatInstant(sinceMs), String(attempts), error]);
    }
    if (cli.output.isClosed) return EXIT.done;
  }
  if (cli.globals.json === true) return EXIT.done;
  if (rows.length === 0) cli.output.note(`${name} has refused nothing`);
  else {
    const headings = ['letter', 'what', 'since', 'attempts', 'why'];
    cli.output.print(await renderTable(headings, rows, ['letter', 'what', 'since', 'why']));
  }
  return EXIT.done;
}

function whatOf({ entry }: DeadLetter): string {
  if (entry.kind === 'purge-scope') return `purge of ${entry.scope}`;
  const did = entry.content.kind === 'tombstone' ? 'delete of ' : '';
  return `${did}${entry.scope}:${escapeKey(entry.name)}`;
}

/** `pando peer replay` and `pando peer discard`. */
export async function settleLetters(
  cli: Invocation,
  peers: Peers,
  {
    name,
    letters,
    to,
  }: { readonly name: string; readonly letters: readonly Position[]; readonly to: 'waiting' | 'withheld' },
): Promise<ExitCode> {
  const entries = await peers.settleDeadLetters(name, to, letters.length === 0 ? undefined : letters);
  if (cli.globals.json === true) cli.output.printJson({ entries });
  else {
    const done = to === 'waiting' ? `sent to ${name} once more` : `withheld from ${name} for good`;
    cli.output.note(`${entries} ${entries === 1 ? 'entry is' : 'entries are'} ${done}`);
  }
  return letters.length > entries ? EXIT.notFound : EXIT.done;
}
