/** What a client may ask for, as far as the fake server looks at it. */
export interface JobParams {
  readonly overwrite: boolean;
  readonly verify: 'both' | 'target' | 'source' | 'none';
  readonly dstFileReport: boolean;
  readonly jobMetadata: unknown;
}

export type FileState = 'SUBMITTED' | 'ACTIVE' | 'FINISHED' | 'FAILED' | 'CANCELED' | 'NOT_USED';
export type JobState = 'SUBMITTED' | 'ACTIVE' | 'FINISHED' | 'FAILED' | 'CANCELED';

export interface FtsFile {
  readonly sourceUrl: string;
  readonly destinationUrl: string;
  /** As the client said, in bytes; undefined: it did not. */
  readonly userSize: number | undefined;
  /** `ADLER32:1a0b045d` */
  readonly checksum: string | undefined;
  metadata: Record<string, unknown>;
  state: FileState;
  reason: string;
  size: number | undefined;
  startTime: string | null;
  finishTime: string | null;
}

/** One file, from one of several sources: those not used yet wait for the one before them to fail. */
export interface FtsJob {
  readonly id: string;
  readonly params: JobParams;
  readonly files: readonly FtsFile[];
  readonly cancelled: AbortController;
  priority: number;
  state: JobState;
}

export function isOver({ state }: Pick<FtsJob, 'state'>): boolean {
  return state === 'FINISHED' || state === 'FAILED' || state === 'CANCELED';
}

/** Where no state leads on from. */
export function fileAfter(job: FtsJob, file: FtsFile, ended: 'FINISHED' | { readonly reason: string }): void {
  // Cancelled while it was under way.
  if (isOver(job)) return;
  if (ended === 'FINISHED') {
    file.state = 'FINISHED';
    job.state = 'FINISHED';
    return;
  }
  file.state = 'FAILED';
  file.reason = ended.reason;
  const next = job.files.find(({ state }) => state === 'NOT_USED');
  if (next === undefined) job.state = 'FAILED';
  else next.state = 'SUBMITTED';
}

export function cancelJob(job: FtsJob, now: string): void {
  if (isOver(job)) return;
  job.state = 'CANCELED';
  for (const file of job.files) {
    if (file.state === 'FAILED') continue;
    file.state = 'CANCELED';
    file.reason = 'Job canceled by the user';
    file.finishTime = now;
  }
  job.cancelled.abort();
}
