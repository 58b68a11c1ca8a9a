import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { decodeBatch } from '../../src/peers/batch-frame.ts';
import { PEER_PATH } from '../../src/peers/peer-endpoint.ts';

/** An entry that came to a site, and what the site made of it. */
export interface Delivered {
  /** `actor:counter`. */
  readonly dot: string;
  readonly object: string;
  readonly withBytes: boolean;
  readonly outcome: string;
}

export interface Traffic {
  requests: number;
  /** Of bodies, in both directions. */
  bytes: number;
}

/** The way from one site to another: it reads what passes, and can be closed. */
export class ReadingProxy implements AsyncDisposable {
  readonly delivered: Delivered[] = [];
  /** By what was asked: `batch`, `digests`, … */
  readonly traffic = new Map<string, Traffic>();
  /** Nobody comes through. */
  isClosed = false;
  #port = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = createServer((incoming, response) => this.#pass(incoming, response));
    this.#server.on('connection', (socket) => {
      if (this.isClosed) return void socket.destroy();
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  static async start(): Promise<ReadingProxy> {
    const proxy = new ReadingProxy();
    await new Promise<void>((done) => proxy.#server.listen(0, '127.0.0.1', done));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Where its way leads from now on. */
  leadTo({ port }: { readonly port: number }): void {
    this.#port = port;
  }

  close(): void {
    this.isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  open(): void {
    this.isClosed = false;
  }

  /** What came since the last call. */
  take(): Delivered[] {
    return this.delivered.splice(0);
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url = '/', headers } = incoming;
    const asked = /^[a-z]+/.exec(url.slice(PEER_PATH.length))?.[0] ?? '';
    const counted = this.traffic.get(asked) ?? { requests: 0, bytes: 0 };
    this.traffic.set(asked, counted);
    counted.requests++;
    const [sent, came]: [Buffer[], Buffer[]] = [[], []];
    const count = (chunks: Buffer[]) => (chunk: Buffer) => {
      counted.bytes += chunk.length;
      if (asked === 'batch') chunks.push(chunk);
    };
    const target = { host: '127.0.0.1', port: this.#port, method, path: url, headers };
    const onwards = request(target, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.on('data', count(came));
      // Known before the one who asked can act on it.
      answer.on('end', () => this.#read(sent, came, answer.statusCode));
      answer.on('error', () => response.destroy());
      answer.pipe(response);
    });
    onwards.on('error', () => response.socket?.destroy());
    response.on('close', () => onwards.destroy());
    incoming.on('data', count(sent));
    incoming.on('error', () => onwards.destroy());
    incoming.pipe(onwards);
  }

  #read(sent: readonly Buffer[], came: readonly Buffer[], status: number | undefined): void {
    if (status !== 200 || sent.length === 0) return;
    const { entries } = decodeBatch(Buffer.concat(sent));
    const { outcomes } = JSON.parse(Buffer.concat(came).toString()) as { outcomes: readonly { kind: string }[] };
    for (const [at, line] of entries.entries()) {
      if (!('entry' in line)) continue;
      const { entry, bytes } = line;
      this.delivered.push({
        dot: `${entry.dot.actor}:${entry.dot.counter}`,
        object: entry.kind === 'version' ? `${entry.scope}/${entry.name}` : entry.scope,
        withBytes: bytes !== undefined,
        outcome: outcomes[at]?.kind ?? 'none',
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
