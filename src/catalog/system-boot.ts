import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';

/** Wall clocks are put right by seconds while a machine runs; it does not start twice within a minute. */
const MINUTE_MS = 60_000;

/**
 * Names this start of the machine: what was written before and not flushed may be lost since. Where the system has no name for
 * it, the time of the start; taken for another one by mistake, it costs a second look at copies, never a copy.
 */
export function systemBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    const startedMs = Date.now() - uptime() * 1000;
    return `${hostname()} ${Math.round(startedMs / MINUTE_MS)}`;
  }
}
