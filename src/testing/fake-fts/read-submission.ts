import { randomUUID } from 'node:crypto';
import { ftsJobIdOf } from './deterministic-id.ts';
import type { FtsFile, FtsJob, JobParams } from './fts-job.ts';

/** What the server answers to a submission it does not take. */
export class BadSubmission extends Error {}

/**
 * The job a client asks for by `POST /jobs`. One `files` entry with one destination is understood. Without `vo` its id is random,
 * whatever the client asks for.
 */
export function readSubmission(body: unknown, vo: string | undefined): FtsJob {
  const { files, params = {} } = recordOf(body);
  const entry = Array.isArray(files) && files.length === 1 ? recordOf(files[0]) : undefined;
  if (entry === undefined) throw new BadSubmission('one entry of files is wanted');
  const sources = urlsOf(entry['sources']);
  const [destination, ...more] = urlsOf(entry['destinations']);
  if (sources.length === 0 || destination === undefined || more.length > 0)
    throw new BadSubmission('sources, and one destination, are wanted');
  const said = recordOf(params);
  if (said['multihop'] === true && sources.length > 1)
    throw new BadSubmission('Can not request multiple replica job together with multihop');
  const size = entry['filesize'];
  const checksum = entry['checksum'];
  const common = {
    destinationUrl: destination,
    userSize: typeof size === 'number' ? size : undefined,
    checksum: typeof checksum === 'string' ? checksum : undefined,
    reason: '',
    size: undefined,
    startTime: null,
    finishTime: null,
  };
  return {
    id: idOf(said, vo),
    params: readParams(said),
    files: sources.map(
      (sourceUrl, at): FtsFile => ({
        ...common,
        sourceUrl,
        metadata: { ...recordOf(entry['metadata'] ?? {}) },
        state: at === 0 ? 'SUBMITTED' : 'NOT_USED',
      }),
    ),
    cancelled: new AbortController(),
    priority: typeof said['priority'] === 'number' ? said['priority'] : 3,
    state: 'SUBMITTED',
  };
}

function idOf(params: Record<string, unknown>, vo: string | undefined): string {
  if (params['id_generator'] !== 'deterministic' || vo === undefined) return randomUUID();
  if (typeof params['sid'] !== 'string' || params['sid'] === '')
    throw new BadSubmission('a deterministic id needs a sid');
  return ftsJobIdOf(vo, params['sid']);
}

function readParams(params: Record<string, unknown>): JobParams {
  const verify = params['verify_checksum'];
  return {
    overwrite: params['overwrite'] === true,
    verify: verify === 'both' || verify === 'target' || verify === 'source' ? verify : 'none',
    dstFileReport: params['dst_file_report'] === true,
    jobMetadata: params['job_metadata'] ?? null,
  };
}

function urlsOf(urls: unknown): readonly string[] {
  if (!Array.isArray(urls) || !urls.every((url) => typeof url === 'string' && URL.canParse(url)))
    throw new BadSubmission('sources and destinations are lists of URLs');
  return urls as readonly string[];
}

function recordOf(value: unknown): Record<string, unknown> {
  if (value instanceof Object && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BadSubmission('an object is wanted');
}
