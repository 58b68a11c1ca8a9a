/** That a version is told, or given, which is not the newest. */
export function describeEarlier(version: string, newer: string): string {
  return `this is version ${version}; the newer one, ${newer}, is still on its way, and no store has had it yet`;
}
