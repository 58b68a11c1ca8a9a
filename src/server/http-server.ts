import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock } from '../ports/clock.ts';
import type { Access } from './access.ts';
import { toHttpError } from './describe-error.ts';
import { type FoundRoute, RouteTable } from './find-route.ts';
import { HttpError } from './http-error.ts';
import { announcedBytes, openRequestBody } from './request-body.ts';
import { parseTarget } from './request-target.ts';
import type { Reply, Route } from './route.ts';
import { errorReply, sendReply } from './send-reply.ts';
import type { ServerMetrics } from './server-metrics.ts';

export interface HttpServerGiven {
  readonly routes: readonly Route[];
  readonly access: Access;
  readonly clock: Clock;
  readonly metrics: ServerMetrics;
  /** PEM; undefined: plain HTTP. */
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  /** Takes what other sites ask, by what its paths begin with. */
  readonly peers?: PeerHandler | undefined;
  /** Told of what is the server's own fault, or its stores'. */
  readonly onFault: (message: string, facts: Readonly<Record<string, string | number>>) => void;
  readonly onServed: (facts: Readonly<Record<string, string | number>>) => void;
}

/** Another protocol on the same port. It answers by itself, whatever happens. */
export interface PeerHandler {
  readonly path: string;
  answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void>;
}

/** A name of 1,024 bytes is 3 KiB when it is encoded, metadata 2 KiB; the rest is for what proxies add. */
const HEADER_BYTES_MAX = 16 * 1024;
const HEADERS_MAX = 100;
/** From the first byte of a request to the end of its headers. */
const HEADERS_MS_MAX = 15_000;
/** A connection on which nothing moves for so long is closed. */
const SILENT_MS_MAX = 60_000;
const IDLE_MS_MAX = 30_000;

/** HTTP for a table of routes: requests are read strictly, answered once, and counted. */
export class HttpServer implements AsyncDisposable {
  readonly #given: HttpServerGiven;
  readonly #table: RouteTable;
  readonly #server: Server;
  readonly #stop = new AbortController();
  readonly #underWay = new Set<Promise<void>>();
  /** What came on a connection and is not answered yet, in order. */
  readonly #queues = new WeakMap<Socket, Queued[]>();
  #isClosing = false;

  constructor(given: HttpServerGiven) {
    this.#given = given;
    this.#table = new RouteTable(given.routes);
    const options = {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: HEADERS_MS_MAX,
      // A body may take as long as it moves: `request-body` says how fast that is.
      requestTimeout: 0,
      keepAliveTimeout: IDLE_MS_MAX,
      connectionsCheckingInterval: 2_000,
      noDelay: true,
    };
    // An import asks `node:http` for all it names, a client for WebSockets among it, and so takes ten times as long.
    this.#server =
      given.tls === undefined
        ? process.getBuiltinModule('node:http').createServer(options)
        : process.getBuiltinModule('node:https').createServer({ ...options, ...given.tls, minVersion: 'TLSv1.2' });
    this.#server.maxHeadersCount = HEADERS_MAX;
    this.#server.timeout = SILENT_MS_MAX;
    this.#server.on('request', (request, response) => this.#take(request, response, false));
    this.#server.on('checkContinue', (request, response) => this.#take(request, response, true));
    this.#server.on('timeout', (socket: Socket) => this.#endSilent(socket));
    this.#server.on('checkExpectation', (request, response) => {
      void sendReply(
        request,
        response,
        errorReply(new HttpError(417, 'expectation', 'only 100-continue is understood')),
      );
    });
    this.#server.on('clientError', (error, socket) => void this.#refuseBroken(error, socket as Socket));
  }

  async listen(port: number, host: string): Promise<AddressInfo> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ port, host, backlog: 1024 }, resolve);
    await promise;
    this.#server.off('error', reject);
    return this.#server.address() as AddressInfo;
  }

  /** Takes no more requests, and ends when those under way are answered; after `graceMs` they are cut off. */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const answered = async (): Promise<void> => {
      while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    };
    const over = new AbortController();
    await Promise.race([answered(), this.#given.clock.sleep(graceMs, over.signal).catch(() => undefined)]);
    over.abort();
    this.#stop.abort(new HttpError(503, 'stopping', 'the server is stopping'));
    await Promise.race([answered(), this.#given.clock.sleep(CUT_MS_MAX)]);
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close(0);
  }

  #take(request: IncomingMessage, response: ServerResponse, isWaiting: boolean): void {
    const { socket } = request;
    const queue = this.#queues.get(socket) ?? [];
    this.#queues.set(socket, queue);
    const before = queue.at(-1)?.handling;
    const pace = { isClients: false };
    const handle = (): Promise<void> => this.#handle(request, response, { isWaiting, pace });
    // One may be about what the one before it does.
    const handling = (before === undefined ? handle() : before.then(handle)).finally(() => {
      this.#underWay.delete(handling);
      queue.shift();
    });
    queue.push({ request, handling, pace });
    this.#underWay.add(handling);
  }

  /** What is no request, or takes too long to become one. What came before it on the connection is answered first. */
  async #refuseBroken(failure: NodeJS.ErrnoException, socket: Socket): Promise<void> {
    const queue = this.#queues.get(socket) ?? [];
    if (queue.every(({ request }) => request.complete)) await queue.at(-1)?.handling;
    refuseBroken(failure, socket);
  }

  #endSilent(socket: Socket): void {
    const [first] = this.#queues.get(socket) ?? [];
    if (first === undefined || first.pace.isClients) socket.destroy();
    else socket.setTimeout(SILENT_MS_MAX);
  }

  async #handle(
    request: IncomingMessage,
    response: ServerResponse,
    { isWaiting, pace }: { readonly isWaiting: boolean; readonly pace: Pace },
  ): Promise<void> {
    const { clock, metrics, onFault, onServed } = this.#given;
    const startedMs = clock.monotonicMs();
    const gone = new AbortController();
    const stop = (): void => gone.abort(this.#stop.signal.reason);
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    response.once('close', () => gone.abort(GONE));
    // What becomes of the connection is seen where it is read from.
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const seen: { route: string } = { route: 'none' };
    let status = 500;
    let bytes = 0;
    const counted = metrics.begin();
    try {
      const { peers } = this.#given;
      const isOfPeers = peers !== undefined && request.url?.startsWith(peers.path) === true;
      if (isOfPeers) seen.route = peers.path;
      const refused = tooManyHeaders(request) ?? (isOfPeers ? await this.#whyNotOwn(request) : undefined);
      if (refused !== undefined) {
        const reply = this.#refuse(refused, request, seen.route);
        ({ status } = reply);
        await sendReply(request, response, reply);
        return;
      }
      if (isOfPeers) {
        if (isWaiting) response.writeContinue();
        pace.isClients = true;
        request.once('end', () => (pace.isClients = false));
        await peers.answer(request, response, request.url ?? '');
        status = response.statusCode;
        return;
      }
      const reply = await this.#answer(request, response, { isWaiting, pace, signal: gone.signal, seen }).catch(
        (error: unknown) => this.#refuse(error, request, seen.route),
      );
      status = reply.status;
      if (this.#isClosing) response.shouldKeepAlive = false;
      pace.isClients = true;
      ({ bytes } = await sendReply(request, response, reply));
    } catch (error) {
      if (!gone.signal.aborted) {
        onFault('an answer broke off', {
          route: seen.route,
          why: error instanceof Error ? error.message : String(error),
        });
        response.destroy();
      }
    } finally {
      this.#stop.signal.removeEventListener('abort', stop);
      const ms = clock.monotonicMs() - startedMs;
      counted({ method: request.method ?? '', route: seen.route, status, sentBytes: bytes, ms });
      onServed({ method: request.method ?? '', route: seen.route, status, bytes, ms: Math.round(ms) });
    }
  }

  #whyNotOwn({ headers }: IncomingMessage): Promise<unknown> {
    return this.#given.access.demandOwn(headers).catch((error: unknown) => error);
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
    {
      isWaiting,
      pace,
      signal,
      seen,
    }: {
      readonly isWaiting: boolean;
      readonly pace: Pace;
      readonly signal: AbortSignal;
      readonly seen: { route: string };
    },
  ): Promise<Reply> {
    const { access, clock, metrics } = this.#given;
    const { headers, method = '' } = request;
    const { encodedPath, query } = parseTarget(request.url ?? '');
    const { route, params }: FoundRoute = this.#table.find(method, encodedPath);
    seen.route = route.path;
    const caller = await access.demand(headers, { right: route.right, scope: params['scope'] });
    for (const key of query.keys())
      if (route.query === undefined || !Object.hasOwn(route.query, key))
        throw new HttpError(400, 'invalid-query', `the query ${JSON.stringify(key)} is not understood here`);
    const announced = announcedBytes(request);
    if (route.takesBody !== true && announced !== 0)
      throw new HttpError(400, 'body-unexpected', `${method} takes no body here`);
    const openBody = () => {
      if (isWaiting) response.writeContinue();
      return openRequestBody(request, clock, {
        isPatient: route.isPatient === true,
        onBytes: (bytes) => metrics.received(bytes),
        onWait: (isClients) => void (pace.isClients = isClients),
      });
    };
    return route.handle({ method, headers, params, query, caller, announcedBytes: announced, openBody, signal });
  }

  #refuse(error: unknown, request: IncomingMessage, route: string): Reply {
    const known = toHttpError(error);
    if (known === undefined || known.status >= 500) {
      const why = error instanceof Error ? error.message : String(error);
      const stack = known === undefined && error instanceof Error ? { stack: error.stack ?? '' } : {};
      this.#given.onFault('a request failed', { method: request.method ?? '', route, why, ...stack });
    }
    return errorReply(known ?? new HttpError(500, 'internal', 'the server failed at this; its log says why'));
  }
}

/** Those beyond are not looked at, and a condition among them would be lost. */
function tooManyHeaders({ rawHeaders }: IncomingMessage): HttpError | undefined {
  if (rawHeaders.length <= 2 * HEADERS_MAX) return undefined;
  return new HttpError(431, 'headers-too-large', `a request has ${HEADERS_MAX} headers at most`);
}

/** Whose turn it is in a request: a client that lets us wait is given up, one that waits for us is not. */
interface Pace {
  isClients: boolean;
}

interface Queued {
  readonly request: IncomingMessage;
  readonly pace: Pace;
  readonly handling: Promise<void>;
}

/** Made once, because every answer ends in it. */
const GONE = new HttpError(499, 'client-gone', 'the client went away');

/** What was cut off is told so; nobody waits longer for it. */
const CUT_MS_MAX = 2_000;

function refuseBroken(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const [status, text, code] = BROKEN[error.code ?? ''] ?? [400, 'Bad Request', 'invalid-request'];
  const body = `${JSON.stringify({ code, message: 'this is not a request that can be understood' })}\n`;
  const head = `HTTP/1.1 ${status} ${text}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.end(`${head}\r\n\r\n${body}`, () => socket.destroy());
}

const BROKEN: Readonly<Record<string, readonly [number, string, string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large', 'headers-too-large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout', 'too-slow'],
};
