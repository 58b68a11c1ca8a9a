import { type Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
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
  /** Until the head of the answer is there. */
  readonly answerMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One request; the answer's head when it is there, its body unread. Fails with what the system, a timer or the signal says. */
export function exchange(request: ExchangeRequest): Promise<IncomingMessage> {
  const { url, method, path, headers, body, agent, connectMs, answerMs, signal } = request;
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    // An address of IPv6 has brackets in a URL, and none for the system.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const sent = send({ host, port: url.port, method, path, headers, agent });
    const answerTimer = setTimeout(() => sent.destroy(timeout(`no answer within ${answerMs} ms`)), answerMs);
    let connectTimer: NodeJS.Timeout | undefined;
    const stopTimers = (): void => {
      clearTimeout(answerTimer);
      clearTimeout(connectTimer);
    };
    const abort = (): void => void sent.destroy(new S3Failure('AbortError', 0, 'it was aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      connectTimer = setTimeout(() => sent.destroy(timeout(`no connection within ${connectMs} ms`)), connectMs);
      socket.once('connect', () => clearTimeout(connectTimer));
    });
    sent.on('response', (answer) => {
      stopTimers();
      resolve(answer);
    });
    sent.on('error', (error) => {
      stopTimers();
      reject(error);
    });
    sent.on('close', () => signal?.removeEventListener('abort', abort));
    sent.end(body);
  });
}

function timeout(why: string): S3Failure {
  return new S3Failure('TimeoutError', 0, why);
}

/** More of an answer that says what went wrong is not read. */
const ERROR_BYTES_MAX = 64 * 1024;

/** What an answer that is no success says, as a failure. */
export async function readFailure(answer: IncomingMessage): Promise<S3Failure> {
  let text = '';
  try {
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      text += chunk.toString('utf8');
      if (text.length > ERROR_BYTES_MAX) break;
    }
  } catch {
    // The status says enough.
  }
  const status = answer.statusCode ?? 0;
  const code = elementOf(text, 'Code') ?? CODES[status] ?? `HTTP ${status}`;
  return new S3Failure(code, status, elementOf(text, 'Message') ?? '', headerOf(answer, 'x-amz-request-id'));
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
