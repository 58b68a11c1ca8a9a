import { formatClock } from './describe-progress.ts';

/** `2026-01-31T12:40:02Z`. */
export function describeMoment(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `2026-01-31T12:40:02Z, in 9m40s`; what is due is `now`. */
export function describeNext(ms: number, nowMs: number): string {
  const inMs = ms - nowMs;
  return inMs < 1_000 ? 'now' : `${describeMoment(ms)}, in ${formatClock(inMs / 1000)}`;
}

/** `2 copies`, `1 copy`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
