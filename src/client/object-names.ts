import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { findScopeProblem, SCOPE_LENGTH_MAX } from '../domain/object/scope.ts';
import { type ObjectName, parseObjectName } from '../domain/object/object-name.ts';
import { parsePattern, type Pattern } from '../domain/transfer/pattern.ts';

/** The scope of names that say none; undefined: each has to. */
export type DefaultScope = string | undefined;

/** A name as users write it. Throws a `ConfigurationError` with everything that is wrong with it. */
export function parseName(text: string, scope: DefaultScope): ObjectName {
  const parsed = parseObjectName(text, scope === undefined ? {} : { defaultScope: scope });
  if ('value' in parsed) return parsed.value;
  throw new ConfigurationError(
    parsed.problems.map(({ part, message, remedy }) => problemOutsideFiles(part, message, remedy)),
  );
}

/** Throws a `ConfigurationError` where the text is no scope. */
export function checkScope(scope: string): string {
  const problem = findScopeProblem(scope);
  if (problem === undefined) return scope;
  const remedy = `use 1 to ${SCOPE_LENGTH_MAX} letters, digits, ".", "_" and "-"`;
  throw new ConfigurationError([problemOutsideFiles('scope', `the scope ${JSON.stringify(scope)} ${problem}`, remedy)]);
}

/** Which names of a scope are meant (docs/sync.md, "Patterns"). */
export interface NamesWanted {
  readonly scope: string;
  readonly matches: Pattern;
  /** All that match begin with this. */
  readonly prefix: string;
  readonly written: string;
}

const MAGIC = /[*?[{\\]/;

/** Whether an argument is a pattern rather than a name. */
export function isPattern(text: string): boolean {
  return MAGIC.test(text);
}

/** `scope:pattern`, or a pattern in the default scope. Throws a `ConfigurationError` where it is none. */
export function parseNamePattern(text: string, defaultScope: DefaultScope): NamesWanted {
  const colon = text.indexOf(':');
  const scope = colon < 0 ? defaultScope : text.slice(0, colon);
  const pattern = text.slice(colon + 1);
  if (scope === undefined || findScopeProblem(scope) !== undefined)
    throw wrong(text, 'says no scope', 'write scope:pattern');
  const parsed = parsePattern(pattern);
  if ('problem' in parsed) throw wrong(text, parsed.problem, 'put \\ before a sign that stands for itself');
  return { scope, matches: parsed.value, prefix: fixedPrefix(pattern), written: text };
}

/** A pattern without a `/`, but for one at the end, matches at any depth. */
function fixedPrefix(pattern: string): string {
  if (!pattern.replace(/\/$/, '').includes('/')) return '';
  const magic = pattern.search(MAGIC);
  return (magic < 0 ? pattern.replace(/\/$/, '') : pattern.slice(0, magic)).replace(/^\//, '');
}

function wrong(text: string, message: string, remedy: string): ConfigurationError {
  return new ConfigurationError([
    problemOutsideFiles('pattern', `the pattern ${JSON.stringify(text)} ${message}`, remedy),
  ]);
}
