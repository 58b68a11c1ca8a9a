import type { Command } from 'commander';
import type { MemberNamed } from '../client/find-members-named.ts';
import { parseMemberLines } from '../client/parse-member-lines.ts';
import { findDefaultScope } from '../client/default-scope.ts';
import { checkScope, type DefaultScope } from '../client/object-names.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { readText } from './name-lists.ts';

/** How names of the catalog are told on a command line. */
export interface NameOptions {
  readonly scope?: string;
}

export function declareScope(command: Command): Command {
  return command.option('--scope <scope>', 'of names that say none; otherwise user.<account>');
}

export function declareFromFile(command: Command): Command {
  const read = (file: string): NameFile => ({ file, text: readText(file) });
  return command.option('--from-file <file>', 'names from this file too, one a line, as they are; - is stdin', read);
}

export interface NameFile {
  readonly file: string;
  readonly text: string;
}

export function scopeOf({ scope }: NameOptions): DefaultScope {
  return scope === undefined ? findDefaultScope() : checkScope(scope);
}

/** What is named on the command line, and in the file. */
export function membersOf(
  written: readonly string[],
  options: NameOptions & { readonly fromFile?: NameFile },
): readonly MemberNamed[] {
  const { fromFile } = options;
  if (fromFile !== undefined) {
    const { file, text } = fromFile;
    return [...written, ...parseMemberLines(text, { file: file === '-' ? 'stdin' : file, scope: scopeOf(options) })];
  }
  if (written.length > 0) return written;
  const remedy = 'write names or patterns, or --from-file with a file of names, - for stdin';
  throw new ConfigurationError([problemOutsideFiles('members', 'no member is named', remedy)]);
}
