/**
 * A scope is a top-level namespace; a profile is a scope of the same name (docs/names-and-expressions.md, "Names").
 */

export const SCOPE_LENGTH_MAX = 63;

/** What HTTP addresses of Pando itself begin with: `/scope/name` must not be one of them. */
export const RESERVED_SCOPES: ReadonlySet<string> = new Set([
  'admin',
  'metadata',
  'metrics',
  'peer',
  'openapi.json',
  'favicon.ico',
]);

/** Why a text cannot be a scope (completes "the scope … "), or undefined when it can. */
export function findScopeProblem(scope: string): string | undefined {
  if (scope === '') return 'is empty';
  if (scope.length > SCOPE_LENGTH_MAX) return `is longer than ${SCOPE_LENGTH_MAX} characters`;
  if (!/^[A-Za-z0-9._-]+$/.test(scope)) return 'has characters other than letters, digits, ".", "_" and "-"';
  if (scope.startsWith('_') || scope.startsWith('.'))
    return `begins with "${scope.charAt(0)}", which Pando keeps for itself`;
  return RESERVED_SCOPES.has(scope) ? 'is reserved: addresses of Pando itself begin with it' : undefined;
}

/**
 * The scope of an account that names none: `user.<account>`. An account whose name cannot be part of a scope has no default
 * one: replacing its characters could give two accounts one scope.
 */
export function defaultScope(account: string): { readonly value: string } | { readonly problem: string } {
  if (account === '') return { problem: 'there is no account to take a default scope from: name the scope' };
  const scope = `user.${account}`;
  const problem = findScopeProblem(scope);
  return problem === undefined
    ? { value: scope }
    : { problem: `the account's default scope ${JSON.stringify(scope)} ${problem}: name another scope` };
}
