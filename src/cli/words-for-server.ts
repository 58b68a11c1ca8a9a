import { basename } from 'node:path';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { textsRead } from './name-lists.ts';

/** A command line as a server is to carry it out. */
export interface WordsForServer {
  readonly args: readonly string[];
  /** What it is to read from stdin: a file, `-` for what comes here, or a text that was read already. */
  readonly stdin: { readonly file: string } | { readonly text: string } | undefined;
}

/** Files of this machine that it names go along as what the command reads from stdin. `given`: the command's own arguments. */
export function wordsForServer(args: readonly string[], command: string, given: readonly unknown[]): WordsForServer {
  const words = withoutServer(args);
  if (command === 'put') {
    const [file, object] = given as readonly [string, string];
    const named = /[:/]$/.test(object) && file !== '-' ? `${object}${basename(file)}` : object;
    return { args: replace(replace(words, file, '-'), object, named), stdin: { file } };
  }
  const [first, ...others] = textsRead();
  if (first === undefined) return { args: words, stdin: undefined };
  if (others.length > 0)
    throw new ConfigurationError([
      problemOutsideFiles('--server', 'two files go along with no command', 'name one of them, or carry it out there'),
    ]);
  const { file, text } = first;
  return { args: replace(words, file, '-'), stdin: { text } };
}

/** As a word, or as what an option says. */
function replace(words: readonly string[], one: string, other: string): readonly string[] {
  const isSaid = (word: string): boolean => word === one || (word.startsWith('--') && word.endsWith(`=${one}`));
  const at = words.findLastIndex(isSaid);
  if (at < 0) return words;
  return words.with(at, `${words[at]?.slice(0, -one.length)}${other}`);
}

/** It is carried out there, and nowhere else. */
function withoutServer(args: readonly string[]): readonly string[] {
  return args.filter((word, at) => !/^--server(?:=|$)/.test(word) && args[at - 1] !== '--server');
}
