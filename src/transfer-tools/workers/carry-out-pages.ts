import type { PageJob, PageQueue } from '../../ports/page-queue.ts';
import { type CarryOutJobPorts, carryOutJob, type OpenedJob } from './carry-out-job.ts';

export interface CarryOutPagesPorts extends CarryOutJobPorts {
  readonly queue: CarryOutJobPorts['queue'] & Pick<PageQueue, 'listPageJobs'>;
  readonly waits: JobWaits;
}

/** Waits until there may be a job, as long as that at most. Who found one tells so. */
export interface JobWaits {
  wait(lookMs: number, stop: AbortSignal): Promise<void>;
  found(): void;
}

export interface CarryOutPages {
  /** Printable: who claims. */
  readonly owner: string;
  /** `idle`: no job that can be carried out here stands. A signal: until it is aborted. */
  readonly until: 'idle' | AbortSignal;
  /** Ends a run until idle early. */
  readonly signal?: AbortSignal;
  /** Undefined: its stores are not all at hand here, and it is left to others. */
  readonly openJob: (job: PageJob) => Promise<(OpenedJob & AsyncDisposable) | undefined>;
}

/** Syncs whose pages one worker carries out side by side; each has threads of its own. */
const JOBS_AT_ONCE = 2;
/** While nobody tells of jobs it is looked for them so often. */
const POLL_MS = 1_000;
/** A job that could not be opened here is looked at again after so long: a disk may be mounted by then. */
const LEFT_MS = 60_000;

/** Carries out pages of bulk syncs and verifies of this catalog, whoever runs them. Returns how many. */
export async function carryOutPages(ports: CarryOutPagesPorts, args: CarryOutPages): Promise<number> {
  const { queue, clock, waits } = ports;
  const { until, openJob, owner } = args;
  const failed = new AbortController();
  const asked = until === 'idle' ? args.signal : until;
  const signal = asked === undefined ? failed.signal : AbortSignal.any([asked, failed.signal]);
  const running = new Map<string, Promise<void>>();
  const leftUntilMs = new Map<string, number>();
  let pages = 0;
  const carryOut = async (job: PageJob, opened: OpenedJob & AsyncDisposable): Promise<void> => {
    await using open = opened;
    pages += await carryOutJob(ports, { ...open, job, owner, signal });
  };
  try {
    while (!signal.aborted) {
      const jobs = await queue.listPageJobs();
      for (const id of leftUntilMs.keys()) if (!jobs.some((job) => job.id === id)) leftUntilMs.delete(id);
      for (const job of jobs) {
        if (running.size >= JOBS_AT_ONCE) break;
        if (running.has(job.id) || clock.monotonicMs() < (leftUntilMs.get(job.id) ?? 0)) continue;
        const opened = await openJob(job);
        if (opened === undefined) leftUntilMs.set(job.id, clock.monotonicMs() + LEFT_MS);
        else {
          waits.found();
          running.set(
            job.id,
            carryOut(job, opened).finally(() => running.delete(job.id)),
          );
        }
      }
      if (until === 'idle' && running.size === 0) break;
      await waits.wait(POLL_MS, signal);
    }
  } catch (error) {
    failed.abort();
    throw error;
  } finally {
    await Promise.all(running.values());
  }
  return pages;
}
