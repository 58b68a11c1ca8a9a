import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import type { FilterRule } from '../domain/transfer/key-filter.ts';
import { parsePattern } from '../domain/transfer/pattern.ts';

/** A rule as a user writes it; in a list of them the last match decides. */
export interface NamePattern {
  readonly type: 'include' | 'exclude';
  readonly pattern: string;
}

/** Throws a `ConfigurationError` with all patterns that are none. */
export function makeRules(patterns: readonly NamePattern[]): FilterRule[] {
  const rules: FilterRule[] = [];
  const problems = patterns.flatMap(({ type, pattern }) => {
    const parsed = parsePattern(pattern);
    if ('value' in parsed) rules.push({ kind: type, matches: parsed.value });
    return 'problem' in parsed ? [problemOutsideFiles(type, describe(pattern, parsed.problem), REMEDY)] : [];
  });
  if (problems.length > 0) throw new ConfigurationError(problems);
  return rules;
}

function describe(pattern: string, problem: string): string {
  return `the pattern ${JSON.stringify(pattern)} ${problem}`;
}

const REMEDY =
  'patterns: *.tmp at any depth, /name or dir/name from the root, dir/ a directory, ** ? [a-z] {a,b}, \\ before a sign';
