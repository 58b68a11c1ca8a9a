/** Stands for a secret wherever one would be shown. */
export const MASK = '***';

export function withoutUndefined(section: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(section).filter(([, value]) => value !== undefined));
}
