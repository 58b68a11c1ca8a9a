import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Entry } from '../../src/domain/journal/entry.ts';
import type { Dot } from '../../src/domain/object/dot.ts';
import { decodeBatch } from '../../src/peers/batch-frame.ts';

/** A message of one site to another. */
export interface PeerRequest {
  /** `hello`, `batch`, `versions` … */
  readonly route: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Of a batch; of anything else none. */
  readonly entries: readonly Entry[];
}

export interface PeerAnswer {
  readonly status: number;
  readonly headers?: IncomingHttpHeaders;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** `nothing`: the connection stays open. `raw`: bytes in place of an answer, and then the end. */
export type Ill = { readonly ill: 'nothing' } | { readonly ill: 'raw'; readonly bytes: string };

/** Brings a message to the site, as often as it is called; breaks off when the signal is aborted. */
export type Pass = (signal?: AbortSignal) => Promise<PeerAnswer>;

/** What becomes of a message. */
export type Treatment = (request: PeerRequest, pass: Pass) => PeerAnswer | Ill | Promise<PeerAnswer | Ill>;

/** The way to one site, which can do to messages whatever a network, or what stands in it, can. */
export interface PeerProxy extends AsyncDisposable {
  readonly url: string;
  treat: Treatment;
  /** Where the one who says hello is reached, in place of what it says. */
  announced: string | undefined;
  /** Dots of entries that the sender was told are dealt with. */
  readonly acknowledged: Set<string>;
  /** Messages that came, by their route. */
  readonly count: (route: string) => number;
  /** Every connection breaks. */
  cut(): void;
}

const PEER_PATH = '/_peer/v1/';
const DEALT_WITH = new Set(['applied', 'conflict', 'older', 'duplicate', 'purged']);

export const passOn: Treatment = (_, pass) => pass();

export async function startPeerProxy(target: { readonly port: number }): Promise<PeerProxy> {
  const sockets = new Set<Socket>();
  const counts = new Map<string, number>();
  const agent = new Agent({ keepAlive: true });
  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = await readRequest(incoming, proxy.announced);
    counts.set(asked.route, (counts.get(asked.route) ?? 0) + 1);
    const given = await proxy.treat(asked, (signal) => forward(asked, { agent, port: target.port, signal }));
    if ('ill' in given) {
      if (given.ill === 'raw') response.socket?.end(given.bytes);
      return;
    }
    response.writeHead(given.status, { 'content-type': 'application/json', ...given.headers });
    if (!(given.body instanceof Uint8Array)) {
      for await (const chunk of given.body) await new Promise((done) => response.write(chunk, done));
      response.end();
      return;
    }
    response.end(given.body);
    if (given.status === 200 && asked.route === 'batch' && !response.destroyed)
      for (const dot of dealtWith(asked, given.body)) proxy.acknowledged.add(dot);
  };
  const server = createServer((incoming, response) => {
    response.on('error', () => {});
    answer(incoming, response).catch(() => response.destroy());
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const proxy: PeerProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    treat: passOn,
    announced: undefined,
    acknowledged: new Set(),
    count: (route) => counts.get(route) ?? 0,
    cut,
    [Symbol.asyncDispose]: async () => {
      cut();
      agent.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

async function readRequest(incoming: IncomingMessage, announced: string | undefined): Promise<PeerRequest> {
  const { method = '', url: path = '', headers } = incoming;
  const route = /^[a-z]+/.exec(path.slice(PEER_PATH.length))?.[0] ?? '';
  let body = await readAll(incoming);
  if (route === 'hello' && announced !== undefined)
    body = Buffer.from(JSON.stringify({ ...(JSON.parse(body.toString()) as object), url: announced }));
  const entries =
    route === 'batch' ? decodeBatch(body).entries.flatMap((one) => ('entry' in one ? [one.entry] : [])) : [];
  return { route, method, path, headers: { ...headers, 'content-length': `${body.length}` }, body, entries };
}

function forward(
  { method, path, headers, body, route }: PeerRequest,
  to: { readonly agent: Agent; readonly port: number; readonly signal: AbortSignal | undefined },
): Promise<PeerAnswer> {
  return new Promise((resolve, reject) => {
    const onwards = request({ ...to, host: '127.0.0.1', method, path, headers }, (answer) => {
      const { statusCode: status = 502 } = answer;
      const { 'transfer-encoding': _, connection: __, 'keep-alive': ___, ...kept } = answer.headers;
      if (route === 'versions') resolve({ status, headers: kept, body: answer });
      else readAll(answer).then((whole) => resolve({ status, headers: kept, body: whole }), reject);
    });
    onwards.on('error', reject);
    onwards.end(body);
  });
}

async function readAll(message: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(message as AsyncIterable<Buffer>));
}

/** Each entry, and those it stands for. */
function dealtWith({ entries }: PeerRequest, answer: Uint8Array): string[] {
  const outcomes = outcomesOf(answer);
  if (outcomes.length !== entries.length) return [];
  return entries.flatMap((entry, at) => (DEALT_WITH.has(outcomes[at] ?? '') ? dotsOf(entry).map(textOf) : []));
}

function dotsOf(entry: Entry): readonly Dot[] {
  return entry.kind === 'version' ? [entry.dot, ...(entry.also ?? [])] : [entry.dot];
}

const textOf = ({ actor, counter }: Dot): string => `${actor}:${counter}`;

/** Of what is no answer none. */
function outcomesOf(answer: Uint8Array): readonly string[] {
  try {
    const { outcomes } = JSON.parse(Buffer.from(answer).toString()) as { readonly outcomes: { kind: string }[] };
    return outcomes.map(({ kind }) => kind);
  } catch {
    return [];
  }
}
