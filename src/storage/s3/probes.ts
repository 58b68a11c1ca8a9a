import { hostname } from 'node:os';
import type { Random } from '../../ports/random.ts';
import { isProcessAlive } from '../store-lease.ts';
import { deleteOwn, listOwn } from './own-documents.ts';
import type { S3Bucket } from './s3-bucket.ts';

const DIRECTORY = 'probe/';
/** Probing takes seconds; what is older has lost its process, also one on another host. */
const PROBE_KEPT_MS = 3600_000;

/** Of this process alone: one that another one deletes while we ask would give wrong answers. `probe/<host>.<process>.<random>` */
export function newProbeName(random: Random): string {
  return `${DIRECTORY}${hostName()}.${process.pid}.${Buffer.from(random.bytes(6)).toString('hex')}`;
}

/** Removes the probes of processes that died over them; returns how many. */
export async function cleanProbes(bucket: S3Bucket): Promise<number> {
  let cleaned = 0;
  for (const { name, writtenMs } of await listOwn(bucket, DIRECTORY)) {
    const [host, pid] = name.slice(DIRECTORY.length).split('.');
    const isDead = host === hostName() && !isProcessAlive({ host: hostname(), pid: Number(pid), startedMs: 0 });
    if (!isDead && bucket.clock.nowMs() - writtenMs < PROBE_KEPT_MS) continue;
    await deleteOwn(bucket, name);
    cleaned++;
  }
  return cleaned;
}

function hostName(): string {
  return encodeURIComponent(hostname()).replaceAll('.', '%2e');
}
