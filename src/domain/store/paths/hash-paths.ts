import { formatObjectName, type ObjectName } from '../../object/object-name.ts';
import type { Md5Hex, PathAlgorithm } from './path-algorithm.ts';

/** `<h1>/<h2>/<scope>/<name>`: spread evenly over 65,536 directories. No two objects share a path: a scope has no `/`. */
export function hashPaths(md5Hex: Md5Hex): PathAlgorithm {
  return {
    name: 'hash',
    deterministic: true,
    pathOf: (object) => ({ path: `${hashDirectories(object, md5Hex)}/${object.scope}/${object.name}` }),
  };
}

/**
 * `<scope>/<h1>/<h2>/<name>`, where the dots of a scope that begins with `user` or `group` are slashes: the layout of sites
 * that ran Rucio before. Two objects share a path only if both scopes begin so, one is the other and more dotted parts, and
 * these parts happen to be the other's hash.
 */
export function rucioHashPaths(md5Hex: Md5Hex): PathAlgorithm {
  return {
    name: 'rucio-hash',
    deterministic: true,
    pathOf: (object) => ({
      path: `${scopeDirectories(object.scope)}/${hashDirectories(object, md5Hex)}/${object.name}`,
    }),
  };
}

function hashDirectories(object: ObjectName, md5Hex: Md5Hex): string {
  const hash = md5Hex(formatObjectName(object));
  return `${hash.slice(0, 2)}/${hash.slice(2, 4)}`;
}

/** By the letters it begins with, not by its first part: `userland.x` too. That is how the paths of the field were made. */
function scopeDirectories(scope: string): string {
  return scope.startsWith('user') || scope.startsWith('group') ? scope.replaceAll('.', '/') : scope;
}
