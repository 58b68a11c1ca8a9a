import { formatBytesRoughly } from '../config/quantity.ts';

export interface BytesProgress {
  readonly done: number;
  readonly total: number;
  /** `total` is final: what is left can be said. */
  readonly complete: boolean;
  readonly elapsedMs: number;
}

/** `1.2 GB/5 GB  310 MB/s  13s left`. */
export function describeBytes({ done, total, complete, elapsedMs }: BytesProgress): string {
  const rate = done / Math.max(0.001, elapsedMs / 1000);
  const left = complete && done > 0 ? (total - done) / Math.max(1, rate) : 0;
  return joinParts([
    `${formatBytesRoughly(done)}/${formatBytesRoughly(total)}${complete ? '' : '+'}`,
    `${formatBytesRoughly(Math.round(rate))}/s`,
    left < 1 ? undefined : `${formatClock(left)} left`,
  ]);
}

export function joinParts(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined).join('  ');
}

export function formatClock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}h${String(m).padStart(2, '0')}m` : m > 0 ? `${m}m${String(s).padStart(2, '0')}s` : `${s}s`;
}
