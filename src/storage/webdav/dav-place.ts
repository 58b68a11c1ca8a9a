import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { httpOf } from '../http-of.ts';
import { RESERVED_DIRECTORY } from '../../domain/object/key.ts';
import { mayRetry, retryDelayMs } from '../../domain/transfer/retry.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { StorageError, type Token } from '../../ports/storage.ts';
import { openBody } from '../http-body.ts';
import { type Chunked, exchange } from './dav-exchange.ts';
import { failureOfStatus, statusOf, toStorageError } from './dav-errors.ts';
import { type DavResource, PROPFIND_BODY, readMultistatus } from './multistatus.ts';
import { tokenOf } from './resource-token.ts';
import {
  WEBDAV_CONCURRENCY,
  WEBDAV_RETRY,
  WEBDAV_TIMEOUTS,
  type WebdavLogin,
  type WebdavStorageOptions,
  type WebdavTimeouts,
} from './webdav-settings.ts';

export interface DavRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE' | 'MKCOL' | 'MOVE' | 'PROPFIND';
  /** Of a key, or of something of Pando's own; a directory ends with '/'. */
  readonly name: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | Chunked;
  /** For messages; absent: the store. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Failures that may pass are tried again here. */
  readonly retried?: boolean;
}

/** What lies at a name. */
export interface DavFound extends DavResource {
  readonly token: Token;
}

const REDIRECTS: readonly number[] = [301, 302, 307, 308];
/** An answer about something missing does not say what; a root seen so lately is still there. */
const ROOT_SEEN_MS = 5_000;

/** A collection on a server: its requests, and the one place where they fail. */
export class DavPlace {
  readonly store: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly timeouts: WebdavTimeouts;
  readonly url: URL;
  readonly #authorization: Readonly<Record<string, string>>;
  readonly #reading: HttpAgent | HttpsAgent;
  readonly #writing: HttpAgent | HttpsAgent;
  #rootSeenMs = Number.NEGATIVE_INFINITY;

  constructor({ name, settings, clock, random, timeouts }: WebdavStorageOptions) {
    this.store = name;
    this.clock = clock;
    this.random = random;
    this.timeouts = { ...WEBDAV_TIMEOUTS, ...timeouts };
    this.url = new URL(settings.url);
    this.#authorization = authorizationOf(settings.login);
    // A copy from a store to itself reads and writes at once: with one pool, readers waiting for writers could hold all of it.
    this.#reading = this.#openAgent();
    this.#writing = this.#openAgent();
  }

  /** The path of a key, or of a directory ending with '/'; '' is the root. */
  pathOf(name: string): string {
    return this.url.pathname + name.split('/').map(encodeURIComponent).join('/');
  }

  urlOf(name: string): string {
    return this.url.origin + this.pathOf(name);
  }

  /** The answer to one request, its body unread where it was a success; the caller reads it, or throws it away. */
  async request(request: DavRequest): Promise<IncomingMessage> {
    const where = this.#where(request.key);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#requestOnce(request);
      } catch (error) {
        const failure = toStorageError(error, where, request.signal);
        if (request.retried !== true || !mayRetry(failure.kind, attempt, WEBDAV_RETRY)) throw failure;
        await this.clock.sleep(retryDelayMs(attempt, WEBDAV_RETRY, this.random.fraction()), request.signal);
      }
    }
  }

  /** A request whose answer has nothing to read. */
  async order(request: DavRequest): Promise<void> {
    (await this.request(request)).resume();
  }

  /** What lies there; undefined: nothing. */
  async find(
    name: string,
    options: { key?: string | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<DavFound | undefined> {
    try {
      // Read to its end, so that the connection can be used again.
      const [found] = await Array.fromAsync(this.#propfind(name, '0', options));
      return found === undefined ? undefined : { ...found, token: tokenOf(found) };
    } catch (error) {
      if (isNotThere(error)) return undefined;
      // Some send who asks for a collection to its own address.
      if (!REDIRECTS.includes(statusOf(error)) || name === '' || name.endsWith('/')) throw error;
      return this.find(`${name}/`, options);
    }
  }

  /** A directory and what lies in it, as it is told. `name` ends with '/', or is '' for the root. */
  listDirectory(name: string, signal: AbortSignal | undefined): AsyncGenerator<DavResource> {
    return this.#propfind(name, '1', { signal });
  }

  async *#propfind(
    name: string,
    depth: '0' | '1',
    { key, signal }: { key?: string | undefined; signal?: AbortSignal | undefined },
  ): AsyncGenerator<DavResource> {
    const headers = { depth, 'content-type': 'application/xml; charset=utf-8' };
    const answer = await this.request({
      method: 'PROPFIND',
      name,
      headers,
      body: PROPFIND_BODY,
      key,
      signal,
      retried: true,
    });
    if (answer.statusCode !== 207) {
      answer.resume();
      throw new StorageError('unsupported', this.#where(key), 'the server does not speak WebDAV there');
    }
    const body = this.body(answer, {
      key: key ?? '',
      wanted: { start: 0, end: Number.MAX_SAFE_INTEGER },
      sent: Number.MAX_SAFE_INTEGER,
      signal,
      isOpenEnded: true,
    });
    try {
      yield* readMultistatus(body);
    } catch (error) {
      throw toStorageError(error, this.#where(key), signal);
    }
  }

  /** The body of an answer as chunks. */
  body(
    answer: IncomingMessage,
    {
      key,
      wanted,
      sent,
      signal,
      isOpenEnded = false,
    }: {
      key: string;
      wanted: { readonly start: number; readonly end: number };
      /** How many bytes come. */
      sent: number;
      signal: AbortSignal | undefined;
      /** Ends when the server says so. */
      isOpenEnded?: boolean;
    },
  ): AsyncIterableIterator<Uint8Array> {
    const toError = (error: Error): StorageError => toStorageError(error, this.#where(key), signal);
    const { idleMs } = this.timeouts;
    return openBody(answer, { store: this.store, key, wanted, sent, idleMs, signal, toError, isOpenEnded });
  }

  /** Whether the root is there; known for a moment. */
  async hasRoot(): Promise<boolean> {
    if (this.clock.monotonicMs() - this.#rootSeenMs < ROOT_SEEN_MS) return true;
    const root = await this.find('');
    if (root === undefined) return false;
    this.#rootSeenMs = this.clock.monotonicMs();
    return true;
  }

  /** The same failure; or that of a store whose root is gone, of which nothing is known (I9). */
  async explain(error: unknown, key: string | undefined, ifRootIsGone: 'not-found' | 'unavailable'): Promise<unknown> {
    if (!isNotThere(error)) return error;
    this.#rootSeenMs = Number.NEGATIVE_INFINITY;
    if (await this.hasRoot()) return error;
    return new StorageError(ifRootIsGone, this.#where(key), 'its collection does not exist: make it', error);
  }

  fail(kind: StorageError['kind'], key: string, why: string, cause?: unknown): StorageError {
    return new StorageError(kind, this.#where(key), why, cause);
  }

  close(): void {
    this.#reading.destroy();
    this.#writing.destroy();
  }

  async #requestOnce({ method, name, headers, body, signal }: DavRequest): Promise<IncomingMessage> {
    const length = body instanceof Uint8Array ? { 'content-length': String(body.length) } : {};
    const answer = await exchange({
      url: this.url,
      method,
      path: this.pathOf(name),
      headers: {
        host: this.url.host,
        'accept-encoding': 'identity',
        ...this.#authorization,
        ...length,
        ...headers,
      },
      body,
      agent: method === 'GET' ? this.#reading : this.#writing,
      timeouts: this.timeouts,
      signal,
    });
    const status = answer.statusCode ?? 0;
    if (status >= 200 && status < 300) return answer;
    // An answer that comes before the body was sent ends the connection with it.
    answer.resume();
    throw failureOfStatus(status, method);
  }

  #openAgent(): HttpAgent | HttpsAgent {
    const agent = { keepAlive: true, maxSockets: WEBDAV_CONCURRENCY, scheduling: 'lifo' as const };
    return new (httpOf(this.url).Agent)(agent);
  }

  #where(key: string | undefined): { store: string; key?: string } {
    return key === undefined || key === '' ? { store: this.store } : { store: this.store, key };
  }
}

/** The name of something Pando keeps for itself: `lease`, `meta/…`. */
export function ownName(name: string): string {
  return `${RESERVED_DIRECTORY}/${name}`;
}

/** Also what Apache says of a name below a file. */
export function isNotThere(error: unknown): boolean {
  return error instanceof StorageError && error.kind === 'not-found';
}

export function isRefusedByState(error: unknown): boolean {
  return [404, 409].includes(statusOf(error));
}

function authorizationOf(login: WebdavLogin): Record<string, string> {
  switch (login.kind) {
    case 'none':
      return {};
    case 'basic':
      return { authorization: `Basic ${Buffer.from(`${login.user}:${login.password}`, 'utf8').toString('base64')}` };
    case 'bearer':
      return { authorization: `Bearer ${login.token}` };
  }
}
