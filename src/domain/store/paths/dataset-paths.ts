import type { PathAlgorithm } from './path-algorithm.ts';

/**
 * `<dataset's scope>/<dataset's name>/<scope>/<name>`: what is read together lies together, as on tape. An object has as many
 * paths as datasets, and its datasets change. Within one dataset no two objects share a path; objects of two datasets do where
 * one dataset's name goes on where the other's ends: `t:n` in `d:a/s` and `s:t/n` in `d:a`.
 */
export const datasetPaths: PathAlgorithm = {
  name: 'dataset',
  deterministic: false,
  pathOf(object, dataset) {
    if (dataset === undefined) return { refused: 'it is in no dataset; add it to one, or give its path' };
    return { path: `${dataset.scope}/${dataset.name}/${object.scope}/${object.name}` };
  },
};
