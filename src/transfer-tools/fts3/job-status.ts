import type { FailedSource, TransferOutcome, TransferStatus } from '../../ports/transfer-tool.ts';
import { failureOfReason, isDestinationOccupied } from './failure-of-reason.ts';
import type { PandoMetadata } from './job-request.ts';
import { withoutSecrets } from './without-secrets.ts';
import { writeChecksum } from './write-checksum.ts';

/** What is asked of each file of a job. */
export const FILE_FIELDS = 'file_state,reason,source_surl,dest_surl,filesize,file_metadata,start_time,finish_time';

const FINAL_JOB_STATES: ReadonlySet<string> = new Set(['FINISHED', 'FAILED', 'FINISHEDDIRTY', 'CANCELED']);

/** A file as the server tells of it: nothing of it is sure to be there. */
interface FtsFile {
  readonly state: string;
  readonly reason: string;
  readonly sourceUrl: string;
  readonly size: number | undefined;
  readonly pando: Partial<PandoMetadata>;
  /** What lies at a destination that was occupied. */
  readonly found: { readonly size: unknown; readonly algorithm: string; readonly value: unknown } | undefined;
}

/** The state of one transfer, from a job as `GET /jobs/{ids}?files=…` tells of it. */
export function statusOfJob(id: string, job: unknown): TransferStatus {
  const http = textOf(job, 'http_status');
  if (http.startsWith('404')) return { id, kind: 'final', outcome: { kind: 'lost' } };
  if (http !== '' && !http.startsWith('200'))
    return { id, kind: 'no-answer', why: withoutSecrets(`${http} ${textOf(job, 'http_message')}`.trim(), undefined) };
  const state = textOf(job, 'job_state');
  if (state === '') return { id, kind: 'no-answer', why: 'the server tells no state of the job' };
  // A file of several sources may be final long before its job is: another source is tried next.
  if (!FINAL_JOB_STATES.has(state)) return { id, kind: 'running', bytes: undefined };
  const files = fieldOf(job, 'files');
  if (!Array.isArray(files) || files.length === 0)
    return { id, kind: 'no-answer', why: `the job is ${state}, and the server tells nothing of its files` };
  return { id, kind: 'final', outcome: outcomeOf(state, files.map(readFile)) };
}

function outcomeOf(jobState: string, files: readonly FtsFile[]): TransferOutcome {
  const failed = files.flatMap((file) => failureOf(jobState, file));
  const finished = files.find(({ state }) => state === 'FINISHED');
  if (finished !== undefined) return arrivalOf(finished, failed);
  const there = files.find((file) => isDestinationOccupied(file.reason) && isAsWanted(file));
  if (there !== undefined) return { ...arrivalOf(there, []), source: undefined, wasThere: true };
  const [first = { source: '', ...failureOfReason(''), why: `the job is ${jobState}` }, ...others] = failed;
  return { kind: 'failed', failed: [first, ...others] };
}

function arrivalOf(
  { pando, size, sourceUrl }: FtsFile,
  failed: readonly FailedSource[],
): Extract<TransferOutcome, { kind: 'arrived' }> {
  const { verified } = pando;
  return {
    kind: 'arrived',
    source: storeOf(pando, sourceUrl),
    wasThere: false,
    size: size ?? (verified === undefined ? undefined : pando.size),
    checksums: verified === undefined ? {} : { [verified.algorithm]: verified.value },
    token: undefined,
    // FTS compared what the destination told of it; without a checksum to compare it knows of no more than a size.
    verification: verified === undefined ? 'none' : 'store',
    isLate: false,
    failed,
  };
}

function failureOf(jobState: string, { state, reason, pando, sourceUrl }: FtsFile): FailedSource[] {
  const source = storeOf(pando, sourceUrl) ?? '';
  if (state === 'CANCELED' || (state === 'NOT_USED' && jobState === 'CANCELED'))
    return [{ source, at: 'between', kind: 'aborted', why: 'FTS: the job was cancelled' }];
  if (state !== 'FAILED') return [];
  return [{ source, ...failureOfReason(reason), why: `FTS: ${withoutSecrets(reason, undefined)}` }];
}

/** Size and checksum of what lies there are those of what was to arrive. */
function isAsWanted({ found, pando: { size, verified } }: FtsFile): boolean {
  if (found === undefined || verified === undefined) return false;
  const { algorithm, value } = verified;
  const isSame =
    found.algorithm.toLowerCase() === algorithm &&
    writeChecksum(algorithm, String(found.value)) === writeChecksum(algorithm, value);
  return isSame && found.size === size;
}

function storeOf({ sources }: Partial<PandoMetadata>, url: string): string | undefined {
  return sources?.find((one) => one.url === url)?.store;
}

function readFile(file: unknown): FtsFile {
  const metadata = fieldOf(file, 'file_metadata');
  const found = fieldOf(metadata, 'dst_file');
  const size = fieldOf(file, 'filesize');
  return {
    state: textOf(file, 'file_state'),
    reason: textOf(file, 'reason'),
    sourceUrl: textOf(file, 'source_surl'),
    size: typeof size === 'number' ? size : undefined,
    pando: readPando(fieldOf(metadata, 'pando')),
    found:
      found instanceof Object
        ? {
            size: fieldOf(found, 'file_size'),
            algorithm: textOf(found, 'checksum_type'),
            value: fieldOf(found, 'checksum_value'),
          }
        : undefined,
  };
}

/** What was sent comes back, unless the server, or somebody who edits jobs, made something else of it. */
function readPando(pando: unknown): Partial<PandoMetadata> {
  const size = fieldOf(pando, 'size');
  const sources = fieldOf(pando, 'sources');
  const algorithm = textOf(fieldOf(pando, 'verified'), 'algorithm');
  const value = textOf(fieldOf(pando, 'verified'), 'value');
  return {
    ...(typeof size === 'number' ? { size } : {}),
    ...(algorithm === '' || value === '' ? {} : { verified: { algorithm, value } }),
    sources: (Array.isArray(sources) ? sources : []).map((one) => ({
      store: textOf(one, 'store'),
      url: textOf(one, 'url'),
    })),
  };
}

function fieldOf(thing: unknown, name: string): unknown {
  return thing instanceof Object ? (thing as Record<string, unknown>)[name] : undefined;
}

export function textOf(thing: unknown, name: string): string {
  const text = fieldOf(thing, name);
  return typeof text === 'string' ? text : '';
}
