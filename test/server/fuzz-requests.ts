import type { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import { ForeignSite } from './foreign-site.ts';
import type { ServerProcess } from './server-process.ts';

export interface FuzzRequest {
  readonly method: string;
  /** As it goes over the wire. */
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer | undefined;
  /** What its length is said to be; undefined: what it is. */
  readonly announced: string | undefined;
}

export interface FuzzedRoute {
  readonly method: string;
  readonly path: string;
  readonly queries: readonly string[];
}

const ID = '018f0000-0000-7000-8000-000000000000';
const NAMES = [
  'a',
  'b/c',
  'dir/',
  '..%2fa',
  '%2e%2e/b',
  '%252e',
  'a%00b',
  'a%0d%0aX-Evil:%201',
  '%ff%fe',
  '%ed%a0%80',
  'a%2',
  '.pando/staging',
  'a//b',
  'x.conflict-0123456789abcdef-1',
  'n'.repeat(1100),
  '%F0%9F%98%80',
  '',
  ID,
  '1',
  '99999999999999999999',
  '-1',
];
const SCOPES = ['s', 't', 'admin', 'peer', '_peer', '.', '..', '%2e', 'S'.repeat(64), 'local', 'a b', 's%2ft', ''];
const VALUES = [
  '',
  '1',
  '-1',
  'true',
  'json',
  'html',
  '%00',
  '%ff',
  '/',
  'a/b',
  '9'.repeat(20),
  '%27%22;--',
  'WAITING',
  's',
];
const QUERIES = [
  'prefix',
  'delimiter',
  'start-after',
  'max-keys',
  'format',
  'confirm',
  'peer',
  'scope',
  'limit',
  'uploads',
];
const HEADERS: readonly (readonly [name: string, values: readonly string[]])[] = [
  ['If-Match', ['*', '"x"', 'W/"x"', 'x', '"', '"a", "b"', ',']],
  ['If-None-Match', ['*', '"x"', 'bad', '']],
  ['If-Modified-Since', ['Mon, 01 Jan 2024 00:00:00 GMT', 'never', '0']],
  ['If-Unmodified-Since', ['Mon, 01 Jan 2024 00:00:00 GMT', 'never']],
  ['If-Range', ['"x"', 'Mon, 01 Jan 2024 00:00:00 GMT', '']],
  [
    'Range',
    ['bytes=0-0', 'bytes=5-1', 'bytes=-0', 'bytes=-99999', 'bytes=0-,1-', 'lines=1', 'bytes=9999999999999999-'],
  ],
  ['Idempotency-Key', [ID, '1', '', ID.toUpperCase(), `${ID}, ${ID}`]],
  ['Content-MD5', ['', 'AAAA', 'AAAAAAAAAAAAAAAAAAAAAA==']],
  ['Content-Type', ['text/html', '', 'a\u00e9', 'x'.repeat(3000)]],
  ['Content-Encoding', ['gzip', 'identity']],
  ['Content-Range', ['bytes 0-0/1']],
  ['x-amz-meta-a', ['1', '\u00ff', 'm'.repeat(3000)]],
  ['x-amz-meta-', ['1']],
  ['x-amz-meta-__proto__', ['1']],
  ['Accept', ['text/html', '*/*', 'text/html;q=0']],
  ['Authorization', ['Bearer x', 'Basic eDp5', 'Bearer', '']],
  ['Prefer', ['respond-async', 'wait=1, respond-async', ';']],
  ['Expect', ['100-continue', 'something']],
  ['Origin', ['http://127.0.0.1', 'http://evil.example', 'null']],
  ['X-Forwarded-For', ['1.2.3.4']],
  ['Transfer-Encoding', ['chunked', 'gzip']],
];
const PEER_PATHS = [
  'hello',
  'batch',
  'told',
  'floor',
  'digests',
  'listing',
  `versions/${ID}`,
  'versions/',
  'versions//',
  '',
];
const JUNK = [
  null,
  true,
  -1,
  1.5,
  1e308,
  '',
  'x',
  'f'.repeat(16),
  [],
  {},
  [[]],
  { a: { b: {} } },
  '__proto__',
  '\u0000',
];

/** Requests as a client would never send them, and some as it would: all by one seed. */
export class FuzzRequests {
  readonly #random: SimulatedRandom;
  readonly #routes: readonly FuzzedRoute[];
  readonly #ofObjects: readonly FuzzedRoute[];
  readonly #site: ForeignSite;
  #counter = 0;

  constructor(random: SimulatedRandom, routes: readonly FuzzedRoute[], server: ServerProcess) {
    this.#random = random;
    this.#routes = routes;
    this.#ofObjects = routes.filter(({ path }) => path === '/{scope}/{name}');
    this.#site = new ForeignSite(server);
  }

  next(): FuzzRequest {
    const random = this.#random;
    if (random.chance(0.25)) return this.#toPeers();
    const route = random.pick(random.chance(0.5) ? this.#ofObjects : this.#routes);
    const path = route.path.replaceAll(/\{([a-z]+)\}/g, (_, name) =>
      random.pick(name === 'scope' ? SCOPES_MOSTLY : NAMES_MOSTLY),
    );
    const method = random.chance(0.9)
      ? route.method
      : random.pick(['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'get']);
    return this.#finish(method, `${path}${this.#query(route.queries)}`, this.#anyBody(method));
  }

  #query(known: readonly string[]): string {
    const random = this.#random;
    if (random.chance(0.6)) return '';
    const pairs = Array.from({ length: random.between(1, 3) }, () => {
      const key = random.pick(known.length > 0 && random.chance(0.8) ? known : QUERIES);
      return `${key}=${random.pick(VALUES)}`;
    });
    return `?${pairs.join('&')}`;
  }

  #anyBody(method: string): Buffer | undefined {
    const random = this.#random;
    if (method !== 'PUT' && method !== 'POST') return random.chance(0.05) ? Buffer.from('unexpected') : undefined;
    if (method === 'POST' && random.chance(0.3)) return undefined;
    return random.pick([
      Buffer.alloc(0),
      Buffer.from('text'),
      Buffer.alloc(random.between(1, 20_000), 'b'),
      Buffer.from('{"args": ["no such command"'),
      Buffer.from(`${JSON.stringify({ args: random.pick(JUNK) })}\n`),
    ]);
  }

  #toPeers(): FuzzRequest {
    const random = this.#random;
    const path = random.pick(PEER_PATHS);
    const query = path.startsWith('versions') ? `?scope=${random.pick(SCOPES)}&name=${random.pick(NAMES)}` : '';
    const method = path.startsWith('versions') || random.chance(0.05) ? 'GET' : 'POST';
    const body = method === 'GET' ? undefined : path === 'batch' ? this.#batch() : Buffer.from(this.#message(path));
    return this.#finish(method, `/_peer/v1/${path}${query}`, body);
  }

  /** A message with some of its fields turned into something else. */
  #message(path: string): string {
    const random = this.#random;
    const { id: site, actor } = this.#site;
    const good: Record<string, Record<string, unknown>> = {
      hello: {
        protocol: 1,
        site,
        url: 'http://127.0.0.1:9',
        ticket: 'a'.repeat(64),
        life: actor,
        actors: { [actor]: 1 },
      },
      told: { from: site, operations: [ID] },
      floor: { upTo: { [actor]: 1 } },
      digests: { scopes: ['s'], branch: 1 },
      listing: { scopes: ['s'], leaves: [1, 2] },
    };
    const message = { ...good[path] };
    for (const key of Object.keys(message)) if (random.chance(0.3)) message[key] = random.pick(JUNK);
    const text = JSON.stringify(random.chance(0.05) ? random.pick(JUNK) : message);
    return random.chance(0.05) ? text.slice(0, random.below(text.length + 1)) : text;
  }

  /** A batch with a byte, a length or a field that is wrong. */
  #batch(): Buffer {
    const random = this.#random;
    const counter = ++this.#counter;
    const text = random.chance(0.7) ? { text: 'x'.repeat(random.below(200)) } : {};
    const scope = random.pick(['s', 't', '_x', 'admin', '']);
    const name = random.pick(['a', 'b/c', '../a', '', '.pando/x', 'n'.repeat(1100)]);
    const batch = Buffer.from(this.#site.batchOf([{ scope, name, counter, ...text }]));
    switch (random.below(5)) {
      case 0:
        return batch;
      case 1:
        batch[random.below(batch.length)] = random.below(256);
        return batch;
      case 2:
        return batch.subarray(0, random.below(batch.length));
      case 3:
        return this.#withJunk(batch);
      default:
        return Buffer.concat([batch, Buffer.from('more')]);
    }
  }

  #withJunk(batch: Buffer): Buffer {
    const random = this.#random;
    const length = batch.readUInt32BE(0);
    const header = JSON.parse(batch.subarray(4, 4 + length).toString()) as { entries: Record<string, unknown>[] };
    const [entry = {}] = header.entries;
    entry[random.pick(Object.keys(entry))] = random.pick(JUNK);
    const json = Buffer.from(JSON.stringify(header));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(json.length);
    return Buffer.concat([head, json, batch.subarray(4 + length)]);
  }

  #finish(method: string, target: string, body: Buffer | undefined): FuzzRequest {
    const random = this.#random;
    const count = random.pick([0, 0, 1, 2, 3]);
    const headers = Array.from({ length: count }, () => {
      const [name, values] = random.pick(HEADERS);
      return [name, random.pick(values)] as const;
    });
    const announced = random.chance(0.03) ? random.pick(['1000000', '1', '-1', 'x', '']) : undefined;
    return { method, target, headers, body, announced };
  }
}

const NAMES_MOSTLY = [...NAMES, ...Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 'a' : 'b/c'))];
const SCOPES_MOSTLY = [...SCOPES, ...Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? 's' : 't'))];

/** Its bytes, on a connection that is kept. */
export function toBytes({ method, target, headers, body, announced }: FuzzRequest): Buffer {
  const isChunked = headers.some(([name, value]) => name === 'Transfer-Encoding' && value === 'chunked');
  const length = announced ?? (body === undefined || isChunked ? undefined : String(body.length));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(length === undefined ? [] : [`Content-Length: ${length}`]),
  ];
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
  // One that has said so and ends nowhere would be waited for.
  if (body === undefined) return isChunked ? Buffer.concat([head, Buffer.from('0\r\n\r\n')]) : head;
  if (!isChunked) return Buffer.concat([head, body]);
  return Buffer.concat([head, Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]);
}
