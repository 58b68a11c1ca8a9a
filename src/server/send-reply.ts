import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpError } from './http-error.ts';
import type { Reply } from './route.ts';

/** Of a body that is not wanted so much is taken, and so long, before the connection is closed: a client that is cut off sees no answer. */
const LINGER_BYTES_MAX = 1024 * 1024;
const LINGER_MS_MAX = 1_000;

export interface Sent {
  readonly bytes: number;
}

/** Sends an answer whole. Fails where the client is gone, or where the body breaks: then the connection is cut, so that nobody takes it for whole. */
export async function sendReply(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<Sent> {
  try {
    return await send(request, response, reply);
  } finally {
    reply.end?.();
  }
}

async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<Sent> {
  const { status, headers = {}, body } = reply;
  const isBare = request.method === 'HEAD' || status === 204 || status === 304;
  const isRefused = !request.complete && status >= 300;
  if (isRefused) response.shouldKeepAlive = false;
  if (body instanceof Uint8Array) {
    response.writeHead(status, { 'content-length': String(body.length), ...headers });
    if (isRefused) {
      if (!isBare) response.write(body);
      await linger(request, response);
      response.end();
    } else if (isBare) response.end();
    else response.end(body);
    return { bytes: isBare ? 0 : body.length };
  }
  response.writeHead(status, headers);
  if (body === undefined || isBare) {
    if (isRefused) await linger(request, response);
    response.end();
    return { bytes: 0 };
  }
  return pump(response, body);
}

async function pump(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<Sent> {
  let bytes = 0;
  try {
    for await (const chunk of body) {
      // The chunk is ours until the next is asked for, so it is out before.
      await new Promise<void>((resolve, reject) => {
        response.write(chunk, (error) => (error ? reject(error) : resolve()));
      });
      bytes += chunk.length;
    }
    response.end();
    return { bytes };
  } catch (error) {
    response.destroy();
    throw error;
  }
}

async function linger(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.flushHeaders();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, LINGER_MS_MAX);
  let bytes = 0;
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > LINGER_BYTES_MAX) resolve();
  });
  for (const event of ['end', 'close', 'error']) request.once(event, () => resolve());
  await promise;
  clearTimeout(timer);
}

export function errorReply({ status, code, message, headers }: HttpError): Reply {
  const body = Buffer.from(`${JSON.stringify({ code, message })}\n`);
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}
