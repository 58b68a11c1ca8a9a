import { Command } from 'commander';
import { findNearestWord } from '../domain/nearest-word.ts';
import { declareGlobalOptions } from './global-options.ts';

/**
 * Shows the help that is asked for, by `help COMMAND` or `--help`, which ends the program by an error of commander's; returns where
 * none is. Commander itself shows the whole help for a command that is none, and looks at one word of `help store ls`.
 */
export function showHelp(program: Command, argv: readonly string[]): void {
  if (!argv.some((word) => ASKS.has(word))) return;
  const { operands, unknown } = readWords(argv);
  let isAsked = unknown.some((word) => word !== 'help' && ASKS.has(word));
  let at = program;
  for (const word of operands) {
    // What follows are arguments: a file may be called help.
    if (at.commands.length === 0) break;
    if (word === 'help') {
      isAsked = true;
      continue;
    }
    const next = at.commands.find((command) => command.name() === word);
    if (next === undefined) return isAsked ? refuse(at, word) : undefined;
    at = next;
  }
  if (isAsked) at.help();
}

const ASKS: ReadonlySet<string> = new Set(['help', '--help', '-h']);

/** Read by a program of its own: the real one would count every option twice. */
function readWords(argv: readonly string[]): {
  readonly operands: readonly string[];
  readonly unknown: readonly string[];
} {
  const reader = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  declareGlobalOptions(reader);
  try {
    return reader.parseOptions([...argv]);
  } catch {
    // The program will say what is wrong with them.
    return { operands: [], unknown: [] };
  }
}

function refuse(at: Command, word: string): never {
  const names = at.commands.map((command) => command.name());
  const nearest = findNearestWord(word, names);
  return at.error(`error: unknown command '${word}'${nearest === undefined ? '' : `\n(Did you mean ${nearest}?)`}`);
}
