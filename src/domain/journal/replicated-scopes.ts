/** Scopes of places that no profile names begin with what Pando keeps for itself: they are this site's own business. */
export function isReplicated(scope: string): boolean {
  return !scope.startsWith('_') && !scope.startsWith('.');
}
