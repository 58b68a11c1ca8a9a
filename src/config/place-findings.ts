import { escapeKey } from '../domain/object/key.ts';
import type { ConfigurationDocument } from './document.ts';
import { formatPath } from './problem.ts';
import type { ConfigurationPath, ConfigurationProblem, Finding } from './problem.ts';

/** Keys whose value a message may quote, as it is written in the file: none of them can hold a secret. */
const QUOTED: ReadonlySet<string | number | undefined> = new Set([
  'type',
  'path_style',
  'multipart_threshold',
  'part_size',
  'replica_profile',
  'read_priority',
  'consistency',
  'source_changes',
  'durability',
  'deadline',
  'attempts',
  'delay',
  'concurrency',
  'bandwidth',
  'kind',
  'max_space',
  'min_free_space',
  'greedy',
  'away_after',
  'deterministic',
  'algorithm',
  'read',
  'write',
  'delete',
  'replicate',
  'max_object_size',
  'maxObjectSize',
  'space_allocated',
  'spaceAllocated',
  'replication_allowed',
  'replicationAllowed',
  'number_replicas',
  'numberReplicas',
]);

/** A longer value is not quoted: the place shows it. */
const QUOTED_LENGTH_MAX = 100;

/** A problem that stands in a file. */
export type PlacedProblem = ConfigurationProblem & { readonly line: number; readonly column: number };

/** Findings as problems with line and column; only the first where two concern one value. */
export function placeFindings(
  findings: readonly Finding[],
  document: ConfigurationDocument,
  file: string | undefined,
): PlacedProblem[] {
  const seen = new Set<string>();
  const problems = findings.map((finding) => {
    const path = formatPath(finding.path);
    const { line, column } = document.locate(finding.path, finding.at ?? 'value');
    const message = `${subject(finding, document.value)} ${finding.message}`;
    return { path, file, line, column, message, remedy: finding.remedy };
  });
  return problems.filter(({ path }) => !seen.has(path) && seen.add(path));
}

/** As one reads the file. */
export function inOrder<T extends { readonly line: number; readonly column: number }>(problems: readonly T[]): T[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** What the sentence is about: the value as written (`${VAR}` and not what it expands to), or the name of the key. */
function subject({ path, at }: Finding, root: unknown): string {
  const last = path.at(-1);
  const written = at === 'key' || !QUOTED.has(last) ? undefined : valueAt(root, path);
  if (typeof written === 'string' && written.length <= QUOTED_LENGTH_MAX) return JSON.stringify(written);
  if (typeof written === 'number' || typeof written === 'boolean') return String(written);
  if (last === undefined) return 'the file';
  return typeof last === 'number' ? `entry [${last}]` : escapeKey(last);
}

function valueAt(root: unknown, path: ConfigurationPath): unknown {
  let value = root;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.getOwnPropertyDescriptor(value, segment)?.value;
  }
  return value;
}
