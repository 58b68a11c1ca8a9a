import { createHash } from 'node:crypto';

const NAME_LENGTH_MAX = 63;

/** Names that HTTP addresses of Pando begin with: a profile is a scope, and `/scope/name` must not be one of them. */
const RESERVED: ReadonlySet<string> = new Set(['admin', 'metadata', 'metrics', 'openapi.json', 'favicon.ico']);

/** Why a text cannot be the name of a profile (completes "the name … "), or undefined when it can. */
export function findNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty';
  if (name.length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'has characters other than letters, digits, ".", "_" and "-"';
  if (name.startsWith('_') || name.startsWith('.'))
    return `begins with "${name.charAt(0)}", which Pando keeps for itself`;
  return RESERVED.has(name) ? 'is reserved: addresses of Pando itself begin with it' : undefined;
}

/** The nearest valid name of at most `lengthMax` characters: what a directory, bucket or foreign profile is called here. */
export function fitName(text: string, lengthMax: number = NAME_LENGTH_MAX): string {
  const fit = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, lengthMax)
    .replace(/[.-]+$/, '');
  if (fit === '') return 'root';
  return RESERVED.has(fit) ? `${fit}-data`.slice(0, lengthMax) : fit;
}

/** `fitName`, made different from every name taken so far by a number, and taken. */
export function takeName(text: string, taken: Set<string>): string {
  const fit = fitName(text, NAME_LENGTH_MAX - 4);
  let name = fit;
  for (let n = 2; taken.has(name); n++) name = `${fit}-${n}`;
  taken.add(name);
  return name;
}

/** The scope of a place that no profile names: readable, and the same every time. */
export function derivePlaceName(lastSegment: string, place: string): string {
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 8);
  return `${fitName(lastSegment, NAME_LENGTH_MAX - 1 - digest.length)}-${digest}`;
}
