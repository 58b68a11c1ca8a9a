import { findKeyProblem, quoteKey } from '../../object/key.ts';
import { formatObjectName } from '../../object/object-name.ts';
import { datasetPaths } from './dataset-paths.ts';
import { hashPaths, rucioHashPaths } from './hash-paths.ts';
import { identityPaths, plainPaths } from './name-paths.ts';
import { namingPaths } from './naming-paths.ts';
import type { Md5Hex, PathAlgorithm } from './path-algorithm.ts';

/** Those of Pando. */
export const PATH_ALGORITHM_NAMES: readonly string[] = ['hash', 'rucio-hash', 'naming', 'identity', 'plain', 'dataset'];

/** By what a store's `paths.algorithm` may say. */
export type PathAlgorithms = ReadonlyMap<string, PathAlgorithm>;

/**
 * The algorithms of Pando and `more` of the site's own. Whatever they answer, no path leaves the store's prefix: one that would
 * is refused here. Two of one name are a mistake of the program that put them together.
 */
export function makePathAlgorithms(md5Hex: Md5Hex, more: readonly PathAlgorithm[] = []): PathAlgorithms {
  const algorithms = new Map<string, PathAlgorithm>();
  for (const algorithm of [
    hashPaths(md5Hex),
    rucioHashPaths(md5Hex),
    namingPaths,
    identityPaths,
    plainPaths,
    datasetPaths,
    ...more,
  ]) {
    if (algorithms.has(algorithm.name)) throw new Error(`two path algorithms are called "${algorithm.name}"`);
    algorithms.set(algorithm.name, insidePrefix(algorithm));
  }
  return algorithms;
}

function insidePrefix(algorithm: PathAlgorithm): PathAlgorithm {
  const { name, deterministic } = algorithm;
  return {
    name,
    deterministic,
    pathOf(object, dataset) {
      const outcome = algorithm.pathOf(object, dataset);
      const problem = 'path' in outcome ? findPathProblem(outcome.path) : outcome.refused;
      if (problem === undefined) return outcome;
      return { refused: `${quoteKey(formatObjectName(object))} has no path by the algorithm "${name}": ${problem}` };
    },
  };
}

/** What is made of names that are fit to be keys may not be one: `a.../x` cut at its first dot goes on with `../x`. */
function findPathProblem(path: string): string | undefined {
  const problem = findKeyProblem(path);
  if (problem === undefined) return undefined;
  return `${quoteKey(path)} cannot lie in a store, because ${problem}; name the object otherwise, or give the store another path algorithm`;
}
