import assert from 'node:assert';
import {
  type RefusalReason,
  type Submission,
  type Transfer,
  type TransferEnd,
  type TransferReport,
  type TransferStatus,
  type TransferTool,
  type TransferToolCapabilities,
  TransferToolError,
} from '../../ports/transfer-tool.ts';
import { type FtsAnswer, FtsConnection, type FtsToken } from './fts-connection.ts';
import { ftsJobId } from './job-id.ts';
import { type FtsVerify, ftsJobOf, ftsPriority, ISSUER } from './job-request.ts';
import { FILE_FIELDS, statusOfJob, textOf } from './job-status.ts';

export interface Fts3Options {
  /** `https://fts.example.org:8446`, without a user or a password. */
  readonly endpoint: string;
  readonly token?: FtsToken;
  /** The virtual organisation jobs are submitted for; absent: the server is asked (`GET /whoami`). */
  readonly vo?: string;
  /** Of URLs the server can use. */
  readonly schemes?: readonly string[];
  readonly verify?: FtsVerify;
  /** For one request. */
  readonly deadlineMs?: number;
}

/** The fake one and the one in the field alike: 36 characters and a comma each, in one URL. */
const JOBS_PER_REQUEST = 100;
const REQUESTS_AT_ONCE = 8;
/** Of pushed messages that were not looked after yet. Beyond, polls find them. */
const HINTS_MAX = 10_000;
const DEADLINE_MS = 30_000;
const SCHEMES = ['https', 'davs', 'http', 'dav', 's3s', 's3', 'root', 'xroot', 'gsiftp', 'srm'];
const VERIFY: FtsVerify = { checksums: ['adler32', 'md5'], where: 'both' };

/** Fails with `TransferToolError` where the server does not say who asks. */
export async function openFts3Tool(options: Fts3Options): Promise<Fts3Tool> {
  const { endpoint, token, deadlineMs = DEADLINE_MS } = options;
  const connection = new FtsConnection({ endpoint, token, deadlineMs });
  try {
    return new Fts3Tool(connection, options.vo ?? (await askVo(connection)), options);
  } catch (error) {
    connection.close();
    throw error;
  }
}

async function askVo(connection: FtsConnection): Promise<string> {
  const answer = await connection.request('GET', '/whoami');
  if (answer.kind !== 'answered' || answer.status !== 200) throw failureOf(answer, 'it does not say who asks');
  const vos = answer.body instanceof Object && 'vos' in answer.body ? answer.body.vos : undefined;
  const vo: unknown = Array.isArray(vos) ? vos[0] : undefined;
  if (typeof vo === 'string') return vo;
  throw new TransferToolError('unsupported', 'fts3', 'it names no virtual organisation of who asks');
}

/**
 * Transfers carried out by an FTS3 server, over its REST interface (docs/transfers.md, "FTS3"). Each is a job of its own, whose id
 * follows from the attempt. What the server pushes is a hint, and the job is asked for: nothing rests on a message.
 */
export class Fts3Tool implements TransferTool {
  readonly name = 'fts3';
  readonly capabilities: TransferToolCapabilities = {
    outlivesProcess: true,
    isFenced: false,
    comparesTokens: false,
    batchMax: 1000,
  };
  readonly #connection: FtsConnection;
  readonly #vo: string;
  readonly #schemes: ReadonlySet<string>;
  readonly #verify: FtsVerify;
  readonly #listeners = new Set<(report: TransferReport) => void>();
  readonly #hints = new Set<string>();
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(connection: FtsConnection, vo: string, { schemes = SCHEMES, verify = VERIFY }: Fts3Options) {
    this.#connection = connection;
    this.#vo = vo;
    this.#schemes = new Set(schemes);
    this.#verify = verify;
  }

  canTransfer(source: TransferEnd, destination: TransferEnd): boolean {
    return this.#understands(source.url) && this.#understands(destination.url);
  }

  idOf(attempt: string): string {
    return ftsJobId(this.#vo, attempt);
  }

  submit(batch: readonly Transfer[]): Promise<readonly Submission[]> {
    return mapAtOnce(batch, (transfer) => this.#submitOne(transfer));
  }

  async poll(ids: readonly string[]): Promise<readonly TransferStatus[]> {
    const pages = await mapAtOnce(inPages(ids), (page) => this.#pollPage(page));
    return pages.flat();
  }

  async cancel(ids: readonly string[]): Promise<void> {
    await mapAtOnce(inPages(ids), async (page) => {
      const answer = await this.#connection.request('DELETE', `/jobs/${page.join(',')}`);
      if (!isDone(answer)) throw failureOf(answer, 'jobs could not be cancelled');
    });
  }

  async prioritise(ids: readonly string[], priority: number): Promise<void> {
    const params = { priority: ftsPriority(priority) };
    await mapAtOnce(ids, async (id) => {
      const answer = await this.#connection.request('POST', `/jobs/${id}`, { params });
      if (!isDone(answer)) throw failureOf(answer, 'the priority of a job could not be changed');
    });
  }

  /** FTS knows no leases. */
  extend(): void {}

  onReport(listener: (report: TransferReport) => void): () => void {
    const own = (report: TransferReport): void => listener(report);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** One message as FTS publishes it to its broker, parsed: from whatever connection to the broker the site has. Never fails. */
  receive(message: unknown): void {
    const metadata = message instanceof Object && 'job_metadata' in message ? message.job_metadata : undefined;
    const job = textOf(message, 'tr_id').split('__').at(-1) ?? '';
    if (this.#isClosed || textOf(metadata, 'issuer') !== ISSUER || !UUID.test(job)) return;
    if (this.#hints.size < HINTS_MAX) this.#hints.add(job);
    this.#looking ??= this.#lookAfterHints().finally(() => {
      this.#looking = undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#hints.clear();
    this.#connection.close();
    await this.#looking;
  }

  async #lookAfterHints(): Promise<void> {
    // Messages come in bursts.
    await Promise.resolve();
    while (this.#hints.size > 0) {
      const ids = [...this.#hints].slice(0, JOBS_PER_REQUEST);
      for (const id of ids) this.#hints.delete(id);
      for (const status of await this.#pollPage(ids)) {
        if (status.kind !== 'final') continue;
        for (const listener of this.#listeners) listener({ id: status.id, outcome: status.outcome });
      }
    }
  }

  async #submitOne(transfer: Transfer): Promise<Submission> {
    const { attempt, sources, destination } = transfer;
    assert(sources.length > 0, `${attempt}: a transfer without a source`);
    if (!sources.every((source) => this.canTransfer(source, destination)))
      return { kind: 'refused', reason: 'unsupported', why: 'FTS knows no way between these URLs' };
    const id = this.idOf(attempt);
    const answer = await this.#connection.request('POST', '/jobs', ftsJobOf(transfer, this.#verify));
    if (answer.kind === 'unreached') return { kind: 'refused', reason: 'unavailable', why: `FTS: ${answer.why}` };
    const why = `FTS: ${answer.why}`;
    const isAccepted = answer.kind === 'answered' && answer.status === 200;
    if (isAccepted && textOf(answer.body, 'job_id') === id) return { kind: 'accepted', id, isRepeat: false };
    if (isAccepted) return this.#takeBack(textOf(answer.body, 'job_id'));
    const mayHave = answer.kind === 'unanswered' || answer.status >= 500 || answer.status === 409;
    const isThere = mayHave ? await this.#hasJob(id) : false;
    if (isThere === true) return { kind: 'accepted', id, isRepeat: true };
    if (answer.kind === 'unanswered' || isThere === undefined) return { kind: 'unsure', id, why };
    return { kind: 'refused', reason: reasonOf(answer.status), why };
  }

  /** A job that could not be found again by its attempt would be submitted again and again. */
  async #takeBack(job: string): Promise<Submission> {
    if (UUID.test(job)) await this.#connection.request('DELETE', `/jobs/${job}`);
    return { kind: 'refused', reason: 'unsupported', why: 'FTS: it gives jobs ids of its own' };
  }

  /** Undefined: the server does not say. */
  async #hasJob(id: string): Promise<boolean | undefined> {
    const answer = await this.#connection.request('GET', `/jobs/${id}`);
    if (answer.kind !== 'answered') return undefined;
    if (answer.status === 200) return true;
    return answer.status === 404 ? false : undefined;
  }

  async #pollPage(ids: readonly string[]): Promise<readonly TransferStatus[]> {
    const answer = await this.#connection.request('GET', `/jobs/${ids.join(',')}?files=${FILE_FIELDS}`);
    if (answer.kind === 'answered' && ids.length === 1 && answer.status === 404)
      return ids.map((id) => ({ id, kind: 'final', outcome: { kind: 'lost' } }));
    if (answer.kind !== 'answered' || (answer.status !== 200 && answer.status !== 207))
      return ids.map((id) => ({ id, kind: 'no-answer', why: `FTS: ${answer.why}` }));
    // Whatever their order: it is not promised, and a job may be told of twice.
    const jobs = new Map(
      (Array.isArray(answer.body) ? answer.body : [answer.body]).map((job) => [textOf(job, 'job_id'), job]),
    );
    return ids.map((id): TransferStatus => {
      const job: unknown = jobs.get(id);
      return job === undefined ? { id, kind: 'no-answer', why: 'FTS: nothing of this job' } : statusOfJob(id, job);
    });
  }

  #understands(url: string | undefined): boolean {
    const parsed = url === undefined ? null : URL.parse(url);
    if (parsed === null || parsed.username !== '' || parsed.password !== '') return false;
    return this.#schemes.has(parsed.protocol.slice(0, -1));
  }
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function reasonOf(status: number): RefusalReason {
  if (status === 409) return 'duplicate';
  // 419: what the user delegated to the server has expired.
  if (status === 401 || status === 403 || status === 419) return 'denied';
  return status === 429 || status >= 500 ? 'unavailable' : 'unsupported';
}

/** 207: of some of several; those that are not there need nothing. */
function isDone(answer: FtsAnswer): boolean {
  return answer.kind === 'answered' && (answer.status === 200 || answer.status === 207 || answer.status === 404);
}

function failureOf(answer: FtsAnswer, what: string): TransferToolError {
  const why = `${what}: ${answer.why}`;
  if (answer.kind === 'unanswered') return new TransferToolError('timeout', 'fts3', why);
  if (answer.kind === 'unreached') return new TransferToolError('unavailable', 'fts3', why);
  const reason = reasonOf(answer.status);
  return new TransferToolError(reason === 'duplicate' ? 'unsupported' : reason, 'fts3', why);
}

function inPages(ids: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(ids.length / JOBS_PER_REQUEST) }, (_, at) =>
    ids.slice(at * JOBS_PER_REQUEST, (at + 1) * JOBS_PER_REQUEST),
  );
}

/** In order, a few at a time. */
async function mapAtOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = Array.from({ length: items.length });
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at] as T);
  };
  await Promise.all(Array.from({ length: Math.min(REQUESTS_AT_ONCE, items.length) }, lane));
  return results;
}
