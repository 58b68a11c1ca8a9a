import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { httpOf } from '../http-of.ts';
import { S3Failure } from './errors.ts';

export interface ExchangeRequest {
  readonly url: URL;
  readonly method: string;
  /** Percent-encoded path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly agent: HttpAgent | HttpsAgent;
  readonly connectMs: number;
  /** Without progress: no more of the body taken, or, once all of it is sent, no head of an answer. */
  readonly idleMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A body is handed to the system in pieces of so many bytes, to see whether it still takes any. */
const PIECE_BYTES = 256 * 1024;
/** A link slower than this is as good as none: an upload at 64 KiB/s is given its time, one that stands still is not. */
const SLOWEST_BYTES_PER_SECOND = 64 * 1024;
/** What the system has taken and not sent yet, at most. */
const UNSENT_BYTES_MAX = 4 * 1024 * 1024;

/** One request; the answer's head when it is there, its body unread. Fails with what the system, a timer or the signal says. */
export function exchange(request: ExchangeRequest): Promise<IncomingMessage> {
  const { url, method, path, headers, body, agent, connectMs, idleMs, signal } = request;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    // An address of IPv6 has brackets in a URL, and none for the system.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const sent = httpOf(url).request({ host, port: url.port, method, path, headers, agent });
    let isSettled = false;
    let idleTimer: NodeJS.Timeout | undefined;
    const awaitProgress = (milliseconds: number): void => {
      clearTimeout(idleTimer);
      if (!isSettled)
        idleTimer = setTimeout(() => sent.destroy(timeout(`no answer within ${milliseconds} ms`)), milliseconds);
    };
    let connectTimer: NodeJS.Timeout | undefined;
    const stopTimers = (): void => {
      isSettled = true;
      clearTimeout(idleTimer);
      clearTimeout(connectTimer);
    };
    const abort = (): void => void sent.destroy(new S3Failure('AbortError', 0, 'it was aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      connectTimer = setTimeout(() => sent.destroy(timeout(`no connection within ${connectMs} ms`)), connectMs);
      socket.once('connect', () => clearTimeout(connectTimer));
    });
    let taken = 0;
    sent.on('response', (answer) => {
      stopTimers();
      // What is not sent by the end of the answer nobody waits for: it would hold the connection, and its bytes, for ever.
      answer.once('end', () => sent.writableFinished || sent.destroy());
      const isEarly = taken < (body?.length ?? 0);
      if (isEarly && (answer.statusCode ?? 0) < 300) {
        sent.destroy();
        reject(new S3Failure('UnexpectedAnswer', answer.statusCode ?? 0, 'it came before the server had all bytes'));
      } else resolve(answer);
    });
    sent.on('error', (error) => {
      stopTimers();
      reject(error);
    });
    sent.on('close', () => {
      signal?.removeEventListener('abort', abort);
      // So ends one that is told to go on in another protocol: without an answer, and without an error.
      if (!isSettled) reject(new S3Failure('ECONNRESET', 0, 'the connection was closed without an answer'));
      stopTimers();
    });
    const sendPiece = (): void => {
      if (sent.destroyed || isSettled) return;
      const piece = body?.subarray(taken, taken + PIECE_BYTES);
      taken += piece?.length ?? 0;
      if (body !== undefined && taken < body.length) {
        awaitProgress(idleMs);
        sent.write(piece, sendPiece);
      } else {
        const unsent = Math.min(taken, UNSENT_BYTES_MAX);
        awaitProgress(idleMs + Math.ceil((unsent / SLOWEST_BYTES_PER_SECOND) * 1000));
        sent.end(piece);
      }
    };
    sendPiece();
  });
}

function timeout(why: string): S3Failure {
  return new S3Failure('TimeoutError', 0, why);
}

/** More of an answer that says what went wrong is not read. */
const ERROR_BYTES_MAX = 64 * 1024;

/** What an answer that is no success says, as a failure; what has not come within `limitMs` is not waited for. */
export async function readFailure(answer: IncomingMessage, limitMs: number): Promise<S3Failure> {
  let text = '';
  const timer = setTimeout(() => answer.destroy(), limitMs);
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > ERROR_BYTES_MAX) break;
    }
  } catch {
    // The status says enough.
  } finally {
    clearTimeout(timer);
  }
  const status = answer.statusCode ?? 0;
  const code = elementOf(text, 'Code') ?? CODES[status] ?? `HTTP ${status}`;
  return new S3Failure(code, status, elementOf(text, 'Message') ?? '', headerOf(answer, 'x-amz-request-id'));
}

/** The rest of an answer is read, so that its connection can be used again; one that hangs over it is closed. */
export function throwAway(answer: IncomingMessage, limitMs: number): void {
  const timer = setTimeout(() => answer.destroy(), limitMs);
  answer.once('close', () => clearTimeout(timer));
  answer.resume();
}

/** Of answers without a body: to HEAD, or by a proxy on the way. */
const CODES: Readonly<Record<number, string>> = {
  301: 'PermanentRedirect',
  307: 'TemporaryRedirect',
  403: 'AccessDenied',
  404: 'NotFound',
  412: 'PreconditionFailed',
};

function elementOf(xml: string, name: string): string | undefined {
  const text = new RegExp(`<${name}>([^<]{1,2000})</${name}>`).exec(xml)?.[1];
  return text?.replace(/&(lt|gt|quot|apos|amp);/g, (_, entity: string) => ENTITIES[entity] ?? '');
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', apos: "'", amp: '&' };

export function headerOf(answer: IncomingMessage, name: string): string | undefined {
  const value = answer.headers[name];
  return typeof value === 'string' ? value : undefined;
}
