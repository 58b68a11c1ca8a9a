import { existsSync, readFileSync } from 'node:fs';
import type { CatalogSettings } from '../../src/config/configuration.ts';
import type { S3Settings } from '../../src/storage/s3/s3-storage.ts';
import { type SyncRunOptions, openSyncWorld } from '../sync/sync-world.ts';

/** What a sync in a process of its own is told, as JSON in its first argument. */
export interface ChildTask {
  readonly at: string;
  readonly data?: string;
  readonly targets: number;
  readonly catalog?: CatalogSettings;
  readonly buckets?: readonly S3Settings[];
  readonly run: Pick<
    SyncRunOptions,
    | 'deleteUnmatched'
    | 'deleteLimit'
    | 'workerProcesses'
    | 'executionMode'
    | 'noWorkerMs'
    | 'leaseMs'
    | 'wait'
    | 'readBack'
    | 'only'
    | 'comparison'
  >;
}

// Tells on stdout `begun`, then one line of JSON: the result, or `{error}`. The reply is written when it is durable, not before.
const PEAK = /VmHWM:\s+(\d+) kB/;
const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const world = openSyncWorld(task);
let told = false;
const workersLost: string[] = [];
const noWorker: number[] = [];
const settled: number[] = [];
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
const listeners = {
  onNoWorker: (waitedMs: number) => void noWorker.push(waitedMs),
  onSettle: (waitMs: number) => void settled.push(waitMs),
  onProgress: () => {
    if (!told) process.stdout.write('begun\n');
    told = true;
  },
};
try {
  const result = await world.sync({
    ...task.run,
    listeners,
    signal: interrupt.signal,
    onWorkerLost: (why) => void workersLost.push(why),
  });
  const more = { workersLost, noWorker, settled, peakBytes: peakBytes() };
  process.stdout.write(`${JSON.stringify({ ...result, ...more })}\n`);
} catch (error) {
  process.stdout.write(`${JSON.stringify({ error: (error as Error).message })}\n`);
}
await world[Symbol.asyncDispose]();

/** Of this process with its threads; 0 where the system does not tell. */
function peakBytes(): number {
  const found = existsSync('/proc/self/status') ? PEAK.exec(readFileSync('/proc/self/status', 'utf8')) : null;
  return Number(found?.[1] ?? 0) * 1024;
}
