import { type Command, Option } from 'commander';
import type { NamePattern } from '../client/make-rules.ts';
import type { FilterSettings } from '../domain/transfer/key-filter.ts';
import { readNames, readRules } from './name-lists.ts';
import { bytes, moment } from './option-values.ts';

export interface FilterOptions {
  readonly filesFrom?: ReadonlySet<string>;
  readonly minSize?: number;
  readonly maxSize?: number;
  readonly newerThan?: bigint;
  readonly ignoreHidden?: boolean;
}

/** Which objects are looked at. Rules are collected in the order they are given, whichever option gives them. */
export function declareFilterOptions(command: Command, rules: NamePattern[]): void {
  const rule = (type: NamePattern['type']) => (pattern: string) => {
    rules.push({ type, pattern });
    return true;
  };
  command
    .option('--include <pattern>', 'only these names, unless a later rule says otherwise', rule('include'))
    .option(
      '--exclude <pattern>',
      'leave these names alone, here and there; the last rule that matches decides',
      rule('exclude'),
    )
    .option('--filter-from <file>', 'read rules from a file: + pattern, - pattern', (file: string) => {
      rules.push(...readRules(file));
      return true;
    })
    .option('--files-from <file>', 'only the names listed in a file; - is stdin', readNames)
    .option('--min-size <size>', 'leave out what is smaller: 10k, 1MiB', bytes)
    .option('--max-size <size>', 'leave out what is larger', bytes)
    .option('--newer-than <time>', 'leave out what was modified before: 2h (ago), 2026-01-31', moment(Date.now()))
    .addOption(new Option('--ignore-hidden', 'leave out names with a part that begins with a dot'))
    .option('--no-ignore-hidden', 'hidden names like all others (default)');
}

/** Throws a `ConfigurationError` for patterns that are none. */
export async function readFilter(rules: readonly NamePattern[], options: FilterOptions): Promise<FilterSettings> {
  const { makeRules } = await import('../client/make-rules.ts');
  return {
    rules: makeRules(rules),
    ignoreHidden: options.ignoreHidden === true,
    names: options.filesFrom,
    sizeMin: options.minSize,
    sizeMax: options.maxSize,
    newerThanNs: options.newerThan,
  };
}
