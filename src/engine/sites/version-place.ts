/**
 * Where a version lies in a site's own store: under its operation's id, in a directory of all that was written in the same 65 seconds. Each
 * version has a place of its own, so nothing is ever written over, and what was replaced is there until nobody wants it.
 */
export function versionPlace(operation: string): string {
  return `${operation.slice(0, 8)}/${operation}`;
}
