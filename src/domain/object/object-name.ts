import { findKeyProblem, type KeyProblem, quoteKey } from './key.ts';
import { findScopeProblem, SCOPE_LENGTH_MAX } from './scope.ts';

/** What an object or collection is called: written `scope:name` (docs/names-and-expressions.md, "Names"). */
export interface ObjectName {
  readonly scope: string;
  readonly name: string;
}

/** One thing that is wrong with a name, where, and how to mend it. */
export interface ObjectNameProblem {
  readonly part: 'separator' | 'scope' | 'name';
  readonly message: string;
  readonly remedy: string;
}

export type ParsedObjectName =
  | { readonly value: ObjectName }
  | { readonly problems: readonly [ObjectNameProblem, ...ObjectNameProblem[]] };

/**
 * Reads `scope:name`. The first `:` separates, so the name may contain more of them: `mn1:doi:10.5063/F1`. Text without any is
 * a name in the default scope, where there is one.
 */
export function parseObjectName(
  text: string,
  { defaultScope }: { readonly defaultScope?: string } = {},
): ParsedObjectName {
  const colon = text.indexOf(':');
  const scope = colon < 0 ? defaultScope : text.slice(0, colon);
  if (scope === undefined) return { problems: [noSeparator(text)] };
  const object = { scope, name: text.slice(colon + 1) };
  const [first, ...others] = findObjectNameProblems(object);
  return first === undefined ? { value: object } : { problems: [first, ...others] };
}

/** The text that `parseObjectName` reads back. */
export function formatObjectName({ scope, name }: ObjectName): string {
  return `${scope}:${name}`;
}

/** Everything that keeps `scope` and `name` from naming an object; none when they can. */
export function findObjectNameProblems({ scope, name }: ObjectName): ObjectNameProblem[] {
  const problems: ObjectNameProblem[] = [];
  const inScope = findScopeProblem(scope);
  if (inScope !== undefined)
    problems.push({ part: 'scope', message: `the scope ${quoteKey(scope)} ${inScope}`, remedy: SCOPE_REMEDY });
  const inName = findKeyProblem(name);
  if (inName !== undefined)
    problems.push({
      part: 'name',
      message: `the name ${quoteKey(name)} is refused: ${inName}`,
      remedy: NAME_REMEDIES[inName],
    });
  return problems;
}

const SCOPE_REMEDY = `use 1 to ${SCOPE_LENGTH_MAX} letters, digits, ".", "_" and "-", not beginning with "." or "_", and no word that Pando's own addresses begin with`;

const NAME_REMEDIES: Readonly<Record<KeyProblem, string>> = {
  'it is empty': 'write a name after the ":"',
  'it is longer than 1024 bytes of UTF-8': 'shorten it; letters beyond ASCII take two to four bytes',
  'it is not well-formed Unicode': 'write it in UTF-8',
  'it contains a control character': 'leave out line ends, tabs and other control characters',
  'it begins with /': 'leave out the first /',
  'it has an empty segment (//)': 'write one / between segments',
  'it has a . or .. segment': 'write the name without . and .. between its slashes',
  'it ends with / (a directory marker, not an object)': 'leave out the last /',
  'it lies in .pando, which Pando keeps for itself': 'begin it with another directory',
};

function noSeparator(text: string): ObjectNameProblem {
  return {
    part: 'separator',
    message: `${quoteKey(text)} has no ":" between a scope and a name, and there is no default scope`,
    remedy: 'write scope:name',
  };
}
