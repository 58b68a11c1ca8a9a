import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { cancelJob, fileAfter, type FtsFile, type FtsJob, isOver, type JobState } from './fts-job.ts';
import { type FtsStore, MoveFailure, moveFile } from './move-file.ts';
import { BadSubmission, readSubmission } from './read-submission.ts';

/** What goes wrong now; change it at any time. Absent: nothing. `times` counts down. */
export interface FtsFaults {
  /** So many requests are answered with this status, whatever they ask: 401, 403, 419, 500, 503. */
  fail?: { readonly status: number; times: number };
  /** So many submissions are refused as duplicates of something that is not there. */
  conflicts?: number;
  /** So many submissions are accepted, and the connection breaks before the answer. */
  crashAfterAccept?: number;
  /** So many submissions never reach the server's books: the connection breaks. */
  crashBeforeAccept?: number;
  /** Ids are the server's own, whatever `id_generator` asks for. */
  ownIds?: boolean;
  /** Each answer waits so long, after what it tells of was done. */
  answerAfterMs?: number;
  /** Each file waits so long before it is moved. */
  moveAfterMs?: number;
  /** What waits goes on waiting. */
  hold?: boolean;
  /** A byte is another on the way; `unnoticed`: and the server says that all is well. */
  wrongBytes?: 'noticed' | 'unnoticed';
  /** Answers for several jobs come backwards, each job twice. */
  shuffled?: boolean;
}

export interface FakeFtsOptions {
  readonly stores: readonly FtsStore[];
  readonly vo?: string;
  /** Requests without it are refused. */
  readonly token?: string;
  /** Files moved at once. */
  readonly activeMax?: number;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** Longer requests are cut off: a job of one file takes a few hundred bytes. */
const REQUEST_BYTES_MAX = 1024 * 1024;

/**
 * A server on loopback that speaks FTS3's REST and moves bytes between stores: `GET /`, `GET /whoami`, `POST /jobs`,
 * `GET /jobs/{ids}`, `POST /jobs/{id}`, `DELETE /jobs/{ids}`. Jobs have one file, from one or several sources, and the states and
 * answers of the server in the field; `faults` says what goes wrong. What it would publish to its broker, listeners are told.
 */
export class FakeFts implements AsyncDisposable {
  faults: FtsFaults = {};
  /** Submissions that made a job, and files that were moved. */
  readonly counts = { accepted: 0, moved: 0 };
  readonly #o: FakeFtsOptions;
  readonly #server: Server;
  readonly #jobs = new Map<string, FtsJob>();
  readonly #listeners = new Set<(message: unknown) => void>();
  readonly #moves = new Set<Promise<void>>();
  #isClosed = false;

  private constructor(options: FakeFtsOptions) {
    this.#o = options;
    this.#server = createServer((request, response) => {
      // A client that goes away, or a connection that is broken on purpose, is nobody's failure.
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async open(options: FakeFtsOptions): Promise<FakeFts> {
    const fake = new FakeFts(options);
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stateOf(job: string): JobState | undefined {
    return this.#jobs.get(job)?.state;
  }

  priorityOf(job: string): number | undefined {
    return this.#jobs.get(job)?.priority;
  }

  /** The server knows nothing of it any more. */
  forget(job: string): void {
    this.#jobs.get(job)?.cancelled.abort();
    this.#jobs.delete(job);
  }

  /** Ends `hold`. */
  release(): void {
    this.faults.hold = false;
    this.#pump();
  }

  /** `listener` is told of each file that is over. Call what is returned to end it. */
  onMessage(listener: (message: unknown) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const job of this.#jobs.values()) job.cancelled.abort();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
    await Promise.all(this.#moves);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const url = new URL(request.url ?? '/', this.endpoint);
    const answer = this.#refusal(request) ?? this.#answer(request.method ?? '', url, body);
    if (this.faults.answerAfterMs !== undefined) await sleep(this.faults.answerAfterMs);
    if (answer === 'crash') return void response.destroy();
    const text = JSON.stringify(answer.body);
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
  }

  #refusal(request: IncomingMessage): Answer | undefined {
    const { fail } = this.faults;
    if (fail !== undefined && fail.times > 0) {
      fail.times--;
      const said = fail.status === 419 ? 'The delegated credentials expired' : 'it was made to fail';
      return refuse(fail.status, `${said} (${request.headers.authorization ?? 'no token'})`);
    }
    const { token } = this.#o;
    if (token === undefined || request.headers.authorization === `Bearer ${token}`) return undefined;
    return refuse(403, 'Invalid token');
  }

  #answer(method: string, url: URL, body: unknown): Answer | 'crash' {
    const [, collection, ids, ...rest] = url.pathname.split('/');
    if (rest.length > 0) return refuse(404, 'no such page');
    if (method === 'GET' && collection === '') return { status: 200, body: { api: 'fake', delegation: {} } };
    if (method === 'GET' && collection === 'whoami')
      return { status: 200, body: { vos: [this.#o.vo ?? 'pando'], user_dn: '/CN=fake', level: { transfer: 'vo' } } };
    if (collection !== 'jobs') return refuse(404, 'no such page');
    if (method === 'POST') return ids === undefined ? this.#submit(body) : this.#modify(ids, body);
    const wanted = (ids ?? '').split(',').filter((id) => id !== '');
    if (wanted.length === 0) return refuse(404, 'no such page');
    if (method === 'DELETE') for (const id of wanted) this.#cancel(id);
    else if (method !== 'GET') return refuse(405, 'not allowed');
    return this.#tell(wanted, url.searchParams.get('files') !== null);
  }

  #submit(body: unknown): Answer | 'crash' {
    if (countDown(this.faults, 'crashBeforeAccept')) return 'crash';
    if (countDown(this.faults, 'conflicts')) return refuse(409, 'made to conflict');
    let job: FtsJob;
    try {
      job = readSubmission(body, this.faults.ownIds === true ? undefined : (this.#o.vo ?? 'pando'));
    } catch (error) {
      if (error instanceof BadSubmission) return refuse(400, error.message);
      throw error;
    }
    if (this.#jobs.has(job.id)) return refuse(409, 'The sid provided by the user is duplicated');
    const destinations = new Set(job.files.map(({ destinationUrl }) => destinationUrl));
    for (const other of this.#jobs.values()) {
      if (!isOver(other) && other.files.some(({ destinationUrl }) => destinations.has(destinationUrl)))
        return refuse(409, 'A transfer to the same destination is under way');
    }
    this.#jobs.set(job.id, job);
    this.counts.accepted++;
    this.#pump();
    return countDown(this.faults, 'crashAfterAccept') ? 'crash' : { status: 200, body: { job_id: job.id } };
  }

  #modify(id: string, body: unknown): Answer {
    const job = this.#jobs.get(id);
    if (job === undefined) return missing(id);
    const params = body instanceof Object && 'params' in body ? body.params : undefined;
    const priority = params instanceof Object && 'priority' in params ? params.priority : undefined;
    if (typeof priority !== 'number' || priority < 1 || priority > 5) return refuse(400, 'a priority is wanted');
    job.priority = priority;
    return { status: 200, body: { job_id: id } };
  }

  #cancel(id: string): void {
    const job = this.#jobs.get(id);
    if (job === undefined || isOver(job)) return;
    cancelJob(job, now());
    for (const file of job.files) this.#publish(job, file);
  }

  #tell(ids: readonly string[], withFiles: boolean): Answer {
    const answers = ids.map((id) => {
      const job = this.#jobs.get(id);
      return job === undefined ? missing(id) : { status: 200, body: describe(job, withFiles) };
    });
    const [only] = answers;
    if (answers.length === 1 && only !== undefined) return only;
    const status = answers.some((one) => one.status !== 200) ? 207 : 200;
    const body = answers.map((one) => one.body);
    return { status, body: this.faults.shuffled === true ? [...body, ...body].toReversed() : body };
  }

  #pump(): void {
    const waiting = [...this.#jobs.values()]
      .filter((job) => !isOver(job))
      .sort((a, b) => b.priority - a.priority)
      .flatMap((job) => job.files.filter(({ state }) => state === 'SUBMITTED').map((file) => ({ job, file })));
    for (const { job, file } of waiting) {
      if (this.#isClosed || this.faults.hold === true || this.#moves.size >= (this.#o.activeMax ?? 4)) return;
      file.state = 'ACTIVE';
      file.startTime = now();
      job.state = 'ACTIVE';
      const move = this.#move(job, file).finally(() => {
        this.#moves.delete(move);
        this.#pump();
      });
      this.#moves.add(move);
    }
  }

  async #move(job: FtsJob, file: FtsFile): Promise<void> {
    const { stores } = this.#o;
    const { moveAfterMs, wrongBytes } = this.faults;
    const { signal } = job.cancelled;
    if (moveAfterMs !== undefined) await sleep(moveAfterMs, undefined, { signal }).catch(() => undefined);
    try {
      file.size = await moveFile({ stores, file, params: job.params, wrongBytes, signal });
      this.counts.moved++;
      fileAfter(job, file, 'FINISHED');
    } catch (error) {
      if (!(error instanceof MoveFailure)) throw error;
      if (error.found !== undefined) file.metadata = { ...file.metadata, dst_file: error.found };
      fileAfter(job, file, { reason: error.message });
    }
    file.finishTime ??= now();
    this.#publish(job, file);
  }

  /** As the server tells its broker, with the fields clients go by. */
  #publish(job: FtsJob, file: FtsFile): void {
    const message = {
      tr_id: `${file.finishTime}__fake__${job.id}`,
      t_final_transfer_state: file.state === 'FINISHED' ? 'Ok' : 'Error',
      t__error_message: file.reason,
      src_url: file.sourceUrl,
      dst_url: file.destinationUrl,
      file_metadata: file.metadata,
      job_metadata: job.params.jobMetadata,
      job_state: job.state,
      job_multihop: false,
    };
    for (const listener of this.#listeners) listener(structuredClone(message));
  }
}

function describe(job: FtsJob, withFiles: boolean): unknown {
  return {
    job_id: job.id,
    job_state: job.state,
    job_type: job.files.length > 1 ? 'R' : 'N',
    job_metadata: job.params.jobMetadata,
    priority: job.priority,
    http_status: '200 Ok',
    http_message: null,
    ...(withFiles ? { files: job.files.map(describeFile) } : {}),
  };
}

function describeFile(file: FtsFile): unknown {
  return {
    file_state: file.state,
    reason: file.reason,
    source_surl: file.sourceUrl,
    dest_surl: file.destinationUrl,
    filesize: file.size ?? null,
    start_time: file.startTime,
    finish_time: file.finishTime,
    file_metadata: file.metadata,
  };
}

function missing(id: string): Answer {
  const message = `No job with the id "${id}" has been found`;
  return { status: 404, body: { job_id: id, http_status: '404 Not Found', http_message: message } };
}

function refuse(status: number, message: string): Answer {
  return { status, body: { status, message } };
}

function countDown(faults: FtsFaults, name: 'conflicts' | 'crashAfterAccept' | 'crashBeforeAccept'): boolean {
  const left = faults[name] ?? 0;
  if (left > 0) faults[name] = left - 1;
  return left > 0;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > REQUEST_BYTES_MAX) throw new Error('too long a request');
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** As the server writes times: UTC without saying so. */
function now(): string {
  return new Date().toISOString().slice(0, 19);
}
