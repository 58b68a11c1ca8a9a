import { ConfigurationError, type ConfigurationProblem, problemOutsideFiles } from '../config/problem.ts';
import { parseObjectName } from '../domain/object/object-name.ts';
import type { NewMember } from '../ports/collections.ts';
import type { DefaultScope } from './object-names.ts';

/**
 * Members from a text, one a line: a name as it is, never a pattern, or what `pando object ls --json` writes, with the size and
 * sha256 the object is to have. Throws a `ConfigurationError` with all lines that are wrong.
 */
export function parseMemberLines(
  text: string,
  { file, scope }: { readonly file: string; readonly scope: DefaultScope },
): NewMember[] {
  const members: NewMember[] = [];
  const problems: ConfigurationProblem[] = [];
  for (const [at, written] of text.split('\n').entries()) {
    const line = written.replace(/\r$/, '');
    if (line === '') continue;
    const where = `${file}:${at + 1}`;
    const told = line.startsWith('{') ? readObject(line) : { object: line };
    if (typeof told === 'string') {
      problems.push(
        problemOutsideFiles(where, told, 'write {"object": "scope:name", "size": 1, "sha256": "…"}, or a name'),
      );
      continue;
    }
    const { object, ...taken } = told;
    const parsed = parseObjectName(object, scope === undefined ? {} : { defaultScope: scope });
    if ('value' in parsed) members.push({ ...parsed.value, ...taken });
    else for (const { message, remedy } of parsed.problems) problems.push(problemOutsideFiles(where, message, remedy));
  }
  const [first, ...others] = problems;
  if (first === undefined) return members;
  // Of several problems each is told with its place.
  const told = others.length > 0 ? problems : [{ ...first, message: `${first.path}: ${first.message}` }];
  throw new ConfigurationError(told);
}

interface ToldObject {
  readonly object: string;
  readonly size?: number;
  readonly sha256?: string;
}

/** Or why it is none. What else it says is left alone. */
function readObject(line: string): ToldObject | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'the line begins like JSON and is none';
  }
  const { object, size, sha256 } = value as Readonly<Record<string, unknown>>;
  if (typeof object !== 'string') return '"object" is not a name';
  if (size !== undefined && !(Number.isSafeInteger(size) && (size as number) >= 0))
    return '"size" is not a number of bytes';
  if (sha256 !== undefined && !(typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256)))
    return '"sha256" is not 64 hex digits';
  return {
    object,
    ...(size === undefined ? {} : { size: size as number }),
    ...(sha256 === undefined ? {} : { sha256 }),
  };
}
