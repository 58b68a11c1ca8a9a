import type { Holder } from '../../ports/catalog.ts';
import type { HolderColumns } from '../schema.ts';

export function encodeHolder(holder: Holder): HolderColumns {
  return { host: holder.host, pid: holder.pid, process_started_ms: holder.startedMs };
}

export function decodeHolder(row: HolderColumns): Holder {
  return { host: row.host, pid: row.pid, startedMs: row.process_started_ms };
}

export function isSameHolder(a: Holder, b: Holder): boolean {
  return a.host === b.host && a.pid === b.pid && a.startedMs === b.startedMs;
}
