import { findScopeProblem } from '../../object/scope.ts';
import type { ObjectName } from '../../object/object-name.ts';

/**
 * Objects whose bytes may lie at this path, whatever algorithm made it: each way of cutting it into a scope and a name. Few (no more
 * than the path has segments); whoever asks compares them with what the algorithm says, or with what is known of their bytes.
 *
 * `plainScope`: the scope of a store that is for one scope, where it has one.
 */
export function namesOfPath(path: string, plainScope: string | undefined): ObjectName[] {
  const segments = path.split('/');
  const names: ObjectName[] = [];
  const add = (scope: string, name: string): void => {
    if (name === '' || findScopeProblem(scope) !== undefined) return;
    if (!names.some((one) => one.scope === scope && one.name === name)) names.push({ scope, name });
  };
  const restFrom = (at: number): string => segments.slice(at).join('/');
  for (const [at, scope] of segments.entries()) add(scope, restFrom(at + 1));
  // `naming`: <first>/<scope>/<rest> of <first>.<rest>.
  const [first = '', second = ''] = segments;
  if (segments.length > 2) add(second, `${first}.${restFrom(2)}`);
  // `rucio-hash`: dots of the scope are slashes, up to the two directories of the hash.
  for (let at = 1; at + 2 < segments.length; at++) {
    if (isHash(segments[at]) && isHash(segments[at + 1])) add(segments.slice(0, at).join('.'), restFrom(at + 2));
  }
  if (plainScope !== undefined) add(plainScope, path);
  return names;
}

function isHash(segment: string | undefined): boolean {
  return segment !== undefined && /^[0-9a-f]{2}$/.test(segment);
}
