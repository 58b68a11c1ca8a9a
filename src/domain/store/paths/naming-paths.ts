import type { PathAlgorithm } from './path-algorithm.ts';

/**
 * `<first>/<scope>/<rest>`, where `<first>.<rest>` is the name: for sites whose names follow a convention. No two objects share
 * a path, because neither the first part nor the scope has a `/`.
 */
export const namingPaths: PathAlgorithm = {
  name: 'naming',
  deterministic: true,
  pathOf({ scope, name }) {
    const dot = name.indexOf('.');
    if (dot < 0) return refuse('has no dot');
    if (dot === 0) return refuse('begins with a dot');
    if (name.endsWith('.')) return refuse('ends with a dot');
    const first = name.slice(0, dot);
    if (first.includes('/')) return refuse('has a / before its first dot');
    return { path: `${first}/${scope}/${name.slice(dot + 1)}` };
  },
};

function refuse(why: string): { readonly refused: string } {
  return { refused: `its name ${why}; name it <first part>.<rest>, or give the store another path algorithm` };
}
