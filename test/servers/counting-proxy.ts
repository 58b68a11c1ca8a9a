import { createServer, type IncomingHttpHeaders, request, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** An HTTP proxy before one server: it tells what really went over the wire, and can get in the way. */
export interface CountingProxy extends AsyncDisposable {
  readonly endpoint: string;
  readonly seen: SeenRequest[];
  /** Requests since the last call, in order, as `GET` or `PUT`. */
  take(): string[];
  /** Given: decides about each request before it is passed on. */
  onRequest: ((seen: SeenRequest, response: ServerResponse) => 'pass' | 'answered' | 'hang') | undefined;
  /** Given: an answer's body is cut, and its connection reset, after so many bytes. */
  cutAnswersAt: number | undefined;
  /** Given: an answer's body stands still after so many bytes. */
  stallAnswersAt: number | undefined;
}

/** The host header is passed on as it came, so that signatures stay right. */
export async function startCountingProxy(target: { readonly port: number }): Promise<CountingProxy> {
  let taken = 0;
  const sockets = new Set<Socket>();
  const server = createServer((incoming, response) => {
    const seen = { method: incoming.method ?? '', url: incoming.url ?? '', headers: incoming.headers };
    proxy.seen.push(seen);
    const decision = proxy.onRequest?.(seen, response) ?? 'pass';
    if (decision !== 'pass') return void incoming.resume();
    const { method, url: path, headers } = incoming;
    const onwards = request({ host: '127.0.0.1', port: target.port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      const limit = proxy.cutAnswersAt ?? proxy.stallAnswersAt;
      if (limit === undefined) return void answer.pipe(response);
      let left = limit;
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk.subarray(0, Math.max(0, left)));
        left -= chunk.length;
        if (left <= 0 && proxy.cutAnswersAt !== undefined) setTimeout(() => response.socket?.resetAndDestroy(), 20);
      });
      answer.on('end', () => left > 0 && response.end());
    });
    onwards.on('error', () => response.socket?.destroy());
    incoming.pipe(onwards);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const proxy: CountingProxy = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen: [],
    take() {
      const methods = this.seen.slice(taken).map(({ method }) => method);
      taken = this.seen.length;
      return methods;
    },
    onRequest: undefined,
    cutAnswersAt: undefined,
    stallAnswersAt: undefined,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
