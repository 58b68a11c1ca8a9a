/** A moment as sentences have it, in UTC and to the second: `2026-01-31T12:00:00Z`. */
export function formatInstant(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
