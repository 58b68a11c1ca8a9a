import { basename } from 'node:path';
import type { Command, Option } from 'commander';
import { readPolicy } from '../client/check-policy.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { demandFile } from './demand-file.ts';
import { textsRead } from './name-lists.ts';

/** A command line as a server is to carry it out. */
export interface WordsForServer {
  readonly args: readonly string[];
  /** What it is to read from stdin: a file, `-` for what comes here, or a text that was read already. */
  readonly stdin: { readonly file: string } | { readonly text: string } | undefined;
}

interface CommandSaid {
  readonly args: readonly string[];
  readonly command: Command;
  /** `put`, `policy set`. */
  readonly name: string;
}

/** Commands one of whose arguments is a file of this machine: which. */
const FILE_ARGUMENT: Readonly<Record<string, number>> = { put: 0, plan: 0, 'policy set': 1, 'policy check': 0 };
/** Options that name one. */
const FILE_OPTION = /^--(?:from-file|filter-from|files-from|token-file)$/;

/** Files of this machine that it names go along as what the command reads from stdin. */
export function wordsForServer({ args, command, name }: CommandSaid): WordsForServer {
  const words = withoutServer(args);
  const places = placesOfArguments(words, command).slice(name.split(' ').length);
  const place = places[FILE_ARGUMENT[name] ?? Number.NaN];
  const file = words[place ?? -1];
  if (place !== undefined && file !== undefined) {
    if (name === 'put') return { args: putStdin(words, places), stdin: { file } };
    return { args: words.with(place, '-'), stdin: file === '-' ? { file } : { text: readPolicy(file) } };
  }
  const [first, ...others] = textsRead();
  if (first === undefined) return { args: words, stdin: undefined };
  if (others.length > 0)
    throw new ConfigurationError([
      problemOutsideFiles('--server', 'two files go along with no command', 'name one of them, or carry it out there'),
    ]);
  return { args: replaceOption(words, first.file), stdin: { text: first.text } };
}

/** An object that is only a directory gets the name that the file has here. */
function putStdin(words: readonly string[], places: readonly number[]): readonly string[] {
  const [from = -1, to = -1] = places;
  const [file = '', object = ''] = [words[from], words[to]];
  if (file !== '-') demandFile(file, object);
  const named = /[:/]$/.test(object) && file !== '-' ? `${object}${basename(file)}` : object;
  return words.with(from, '-').with(to, named);
}

function replaceOption(words: readonly string[], file: string): readonly string[] {
  return words.map((word, at) => {
    if (word === file && FILE_OPTION.test(words[at - 1] ?? '')) return '-';
    const [option = ''] = word.split('=', 1);
    return FILE_OPTION.test(option) && word === `${option}=${file}` ? `${option}=-` : word;
  });
}

/** Which words are the command's name and its arguments, and not options or what these say. */
function placesOfArguments(words: readonly string[], command: Command): readonly number[] {
  const options = optionsOf(command);
  const places: number[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') return [...places, ...words.keys().drop(at + 1)];
    if (word === '-' || !word.startsWith('-')) places.push(at);
    else if (options.some(({ long, required }) => required && long === word)) at++;
  }
  return places;
}

function optionsOf(command: Command): readonly Option[] {
  return [...command.options, ...(command.parent === null ? [] : optionsOf(command.parent))];
}

/** It is carried out there, and nowhere else. */
function withoutServer(args: readonly string[]): readonly string[] {
  return args.filter((word, at) => !/^--server(?:=|$)/.test(word) && args[at - 1] !== '--server');
}
