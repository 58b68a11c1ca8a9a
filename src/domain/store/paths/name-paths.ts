import type { PathAlgorithm } from './path-algorithm.ts';

/** `<scope>/<name>`. No two objects share a path: a scope has no `/`. */
export const identityPaths: PathAlgorithm = {
  name: 'identity',
  deterministic: true,
  pathOf: ({ scope, name }) => ({ path: `${scope}/${name}` }),
};

/**
 * `<name>`: the bytes lie where people expect them. Objects of two scopes with one name share a path, so a store, or a prefix of
 * one, is for one scope.
 */
export const plainPaths: PathAlgorithm = {
  name: 'plain',
  deterministic: true,
  pathOf: ({ name }) => ({ path: name }),
};
