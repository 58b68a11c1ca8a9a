import type { Agent as HttpAgent, ClientRequest, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { httpOf } from '../http-of.ts';
import { DavFailure } from './dav-errors.ts';
import type { WebdavTimeouts } from './webdav-settings.ts';

/** Chunks to be sent: undefined is the end. A chunk is taken when the next one is asked for. */
export interface Chunked {
  next(): Promise<Uint8Array | undefined>;
}

export interface DavExchange {
  readonly url: URL;
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | Chunked | undefined;
  readonly agent: HttpAgent | HttpsAgent;
  readonly timeouts: WebdavTimeouts;
  readonly signal: AbortSignal | undefined;
}

/** A body is handed to the system in pieces of so many bytes, to see whether it still takes any. */
const PIECE_BYTES = 256 * 1024;

/** One request; the answer's head when it is there, its body unread. Fails with what the system, a timer, the signal or the body says. */
export function exchange({
  url,
  method,
  path,
  headers,
  body,
  agent,
  timeouts,
  signal,
}: DavExchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(new DavFailure(0, 'aborted', 'it was aborted', signal.reason));
    // An address of IPv6 has brackets in a URL, and none for the system.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const sent = httpOf(url).request({ host, port: url.port, method, path, headers, agent });
    const progress = new Progress(sent, timeouts);
    const abort = (): void => void sent.destroy(new DavFailure(0, 'aborted', 'it was aborted'));
    signal?.addEventListener('abort', abort, { once: true });
    sent.on('response', (answer) => {
      progress.end();
      resolve(answer);
    });
    sent.on('error', (error) => {
      progress.end();
      reject(error);
    });
    sent.on('close', () => signal?.removeEventListener('abort', abort));
    sendBody(sent, body, progress).catch((error: Error) => {
      // First, so that it is told, and not what breaking off does to the connection.
      reject(error);
      sent.destroy();
    });
  });
}

async function sendBody(sent: ClientRequest, body: DavExchange['body'], progress: Progress): Promise<void> {
  const chunks = body instanceof Uint8Array ? pieces(body) : body;
  for (let chunk = await chunks?.next(); chunk !== undefined; chunk = await chunks?.next()) {
    // What was answered before its end is no longer listened to.
    if (sent.destroyed || progress.hasEnded) return;
    const piece = chunk;
    progress.begin();
    await new Promise<void>((resolve) => {
      sent.once('close', resolve);
      sent.write(piece, () => {
        sent.off('close', resolve);
        resolve();
      });
    });
    progress.pause();
  }
  progress.begin();
  sent.end();
}

function pieces(bytes: Uint8Array): Chunked {
  let at = 0;
  return {
    async next() {
      const piece = bytes.subarray(at, at + PIECE_BYTES);
      at += piece.length;
      return piece.length === 0 ? undefined : piece;
    },
  };
}

/** Gives a request up that gets nowhere; while it waits for its own body, that is not its fault. */
class Progress {
  readonly #sent: ClientRequest;
  readonly #idleMs: number;
  #idle: NodeJS.Timeout | undefined;
  #connecting: NodeJS.Timeout | undefined;
  #hasEnded = false;

  constructor(sent: ClientRequest, { connectMs, idleMs }: WebdavTimeouts) {
    this.#sent = sent;
    this.#idleMs = idleMs;
    sent.on('socket', (socket) => {
      if (!socket.connecting) return;
      this.#connecting = setTimeout(() => this.#giveUp(`no connection within ${connectMs} ms`), connectMs);
      socket.once('connect', () => clearTimeout(this.#connecting));
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  begin(): void {
    clearTimeout(this.#idle);
    if (!this.#hasEnded)
      this.#idle = setTimeout(() => this.#giveUp(`no answer within ${this.#idleMs} ms`), this.#idleMs);
  }

  pause(): void {
    clearTimeout(this.#idle);
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#idle);
    clearTimeout(this.#connecting);
  }

  #giveUp(why: string): void {
    this.#sent.destroy(new DavFailure(0, 'timeout', why));
  }
}
