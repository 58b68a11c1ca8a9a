import { createHash } from 'node:crypto';
import { RESERVED_SCOPES, SCOPE_LENGTH_MAX } from '../domain/object/scope.ts';

/** The nearest valid name of at most `lengthMax` characters: what a directory, bucket or foreign profile is called here. */
export function fitName(text: string, lengthMax: number = SCOPE_LENGTH_MAX): string {
  const fit = text
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '')
    .slice(0, lengthMax)
    .replace(/[.-]+$/, '');
  if (fit === '') return 'root';
  return RESERVED_SCOPES.has(fit) ? `${fit}-data`.slice(0, lengthMax) : fit;
}

/** `fitName`, made different from every name taken so far by a number, and taken. */
export function takeName(text: string, taken: Set<string>): string {
  const fit = fitName(text, SCOPE_LENGTH_MAX - 4);
  let name = fit;
  for (let n = 2; taken.has(name); n++) name = `${fit}-${n}`;
  taken.add(name);
  return name;
}

/** The scope of a place that no profile names: readable, and the same every time. */
export function derivePlaceName(lastSegment: string, place: string): string {
  const digest = createHash('sha256').update(place).digest('hex').slice(0, 8);
  return `${fitName(lastSegment, SCOPE_LENGTH_MAX - 1 - digest.length)}-${digest}`;
}
