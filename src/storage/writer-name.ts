import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { isProcessAlive } from './store-lease.ts';

/** On another host nothing is known of a writer; what it did not touch for so long is left behind. */
const FOREIGN_AGE_MS = 24 * 60 * 60 * 1000;

/** The name of a writer's own directory in `.pando/staging/`: `<host>.<process>.<random>`. */
export function newWriterName(): string {
  return `${hostName()}.${process.pid}.${randomBytes(6).toString('hex')}`;
}

/** Whether a writer may still want what lies in its directory, which was last touched so long ago. */
export function mayWriterLive(name: string, ageMs: number): boolean {
  const [host, pid] = name.split('.');
  if (host === hostName()) return isProcessAlive({ host: hostname(), pid: Number(pid), startedMs: 0 });
  return ageMs < FOREIGN_AGE_MS;
}

function hostName(): string {
  return encodeURIComponent(hostname()).replaceAll('.', '%2e');
}
