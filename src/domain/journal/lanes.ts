/** Which lane the entries of an object travel in: always the same, so that at most one batch under way has any of them (FNV-1a). */
export function laneOf(scope: string, name: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (const text of [scope, '\0', name]) {
    for (let at = 0; at < text.length; at++) {
      hash ^= text.charCodeAt(at);
      hash = Math.imul(hash, 0x01000193);
    }
  }
  return (hash >>> 0) % lanes;
}
