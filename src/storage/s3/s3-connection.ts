import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { httpOf } from '../http-of.ts';
import { mayRetry, retryDelayMs } from '../../domain/transfer/retry.ts';
import { StorageError } from '../../ports/storage.ts';
import { S3Failure, toStorageError } from './errors.ts';
import { exchange, headerOf, readFailure, throwAway } from './http-exchange.ts';
import { objectUrl } from './object-url.ts';
import { S3_CONCURRENCY, S3_RETRY, S3_TIMEOUTS, type S3StorageOptions, type S3Timeouts } from './s3-settings.ts';
import { LazySdk } from './s3-sdk.ts';
import { EMPTY_SHA256, encodePath, formatQuery, Signer } from './signing.ts';
import { readXml, type XmlAnswer } from './xml-answer.ts';

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';

export interface SendOptions {
  /** The object the request is about, for messages; absent: the store. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Failures that may pass are tried again here. Only for requests whose bytes this adapter holds. */
  readonly retried?: boolean;
  /** Told of each further attempt: the one before may have had its effect. */
  onRetry?(): void;
}

/** A request about one object, or the bucket. */
export interface ObjectRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** The bucket's key; '' is the bucket itself. */
  readonly fullKey: string;
  readonly query?: Readonly<Record<string, string>>;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** sha256 of the body, or `UNSIGNED_PAYLOAD`; absent: there is none. */
  readonly payload?: string;
}

/** One way to one endpoint: its connections, its credentials, and the one place where requests fail. */
export interface S3Connection {
  readonly timeouts: S3Timeouts;
  /**
   * A request whose answer is XML: read whole, before this returns. `read` fails with an `S3Failure` where the answer does not say what
   * such an answer always does; then it has not come.
   */
  ask<Told>(request: ObjectRequest, options: SendOptions, read: (answer: XmlAnswer) => Told): Promise<Told>;
  /** A request about one object. The answer's body is unread; that of a PUT is thrown away. */
  request(request: ObjectRequest, options: SendOptions): Promise<IncomingMessage>;
  close(): void;
}

export function openConnection(options: S3StorageOptions): S3Connection {
  const { name, settings, clock, random, retry = S3_RETRY, concurrency = S3_CONCURRENCY } = options;
  const timeouts = { ...S3_TIMEOUTS, ...options.timeouts };
  const url = objectUrl(settings);
  const openAgent = (maxSockets: number): HttpAgent | HttpsAgent => {
    const agent = { keepAlive: true, maxSockets, scheduling: 'lifo' as const };
    return new (httpOf(url).Agent)(agent);
  };
  // A copy from a bucket to itself reads and writes at once: with one pool, readers waiting for writers could hold all of it.
  // A body that is read slowly holds its connection, so there are more of those.
  const reading = openAgent(2 * concurrency);
  const writing = openAgent(concurrency);
  const lazy = new LazySdk(settings, timeouts);
  const signer = new Signer(settings.region);

  async function sendOnce(request: ObjectRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { method, fullKey, query = {}, body, payload = EMPTY_SHA256 } = request;
    const path = `${url.pathname}${encodePath(fullKey)}`;
    const headers = {
      ...request.headers,
      host: url.host,
      ...(method === 'PUT' || method === 'POST' ? { 'content-length': String(body?.length ?? 0) } : {}),
    };
    const credentials = await lazy.credentials();
    const signed = signer.sign({ method, path, query, headers, payload }, credentials, clock.nowMs());
    const queryText = formatQuery(query);
    const answer = await exchange({
      url,
      method,
      path: queryText === '' ? path : `${path}?${queryText}`,
      headers: signed,
      body,
      agent: method === 'GET' ? reading : writing,
      connectMs: timeouts.connectMs,
      idleMs: timeouts.requestMs,
      signal,
    });
    if ((answer.statusCode ?? 0) >= 300) throw await readFailure(answer, timeouts.idleMs);
    return answer;
  }

  async function requestOnce(request: ObjectRequest, signal: AbortSignal | undefined): Promise<IncomingMessage> {
    const { method, fullKey } = request;
    const answer = await sendOnce(request, signal);
    const missing = fullKey === '' ? undefined : findMissing(request, answer);
    if (method !== 'GET' || missing !== undefined) throwAway(answer, timeouts.idleMs);
    if (missing !== undefined) throw new S3Failure('UnexpectedAnswer', answer.statusCode ?? 0, `it has no ${missing}`);
    return answer;
  }

  async function repeat<T>(work: () => Promise<T>, { key, signal, retried = false, onRetry }: SendOptions): Promise<T> {
    const where = key === undefined ? { store: name } : { store: name, key };
    for (let attempt = 1; ; attempt++) {
      try {
        return await work();
      } catch (error) {
        const failure = toStorageError(lazy.nameCredentials(error), where, signal);
        if (!retried || !mayRetry(failure.kind, attempt, retry)) throw failure;
        await clock.sleep(retryDelayMs(attempt, retry, random.fraction()), signal).catch((reason: unknown) => {
          throw new StorageError('aborted', where, 'it was aborted', reason);
        });
        onRetry?.();
      }
    }
  }

  return {
    timeouts,
    ask: (request, sendOptions, read) =>
      repeat(
        async () => read(await readXml(await sendOnce(request, sendOptions.signal), timeouts.idleMs)),
        sendOptions,
      ),
    request: (request, sendOptions) => repeat(() => requestOnce(request, sendOptions.signal), sendOptions),
    close: () => {
      lazy.close();
      reading.destroy();
      writing.destroy();
    },
  };
}

/** What every store of objects says in such an answer, and the page of something else on the way does not. */
function findMissing({ method, headers }: ObjectRequest, answer: IncomingMessage): string | undefined {
  if (method === 'DELETE') return undefined;
  if (headerOf(answer, 'etag') === undefined) return 'ETag';
  if (method === 'PUT') return undefined;
  if (answer.statusCode === 206 && headers?.['range'] !== undefined) return undefined;
  return answer.statusCode !== 200 || headerOf(answer, 'content-length') === undefined
    ? 'length of the object'
    : undefined;
}
