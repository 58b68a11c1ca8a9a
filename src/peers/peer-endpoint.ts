import type { IncomingMessage, ServerResponse } from 'node:http';
import { BRANCHES, LEAVES } from '../domain/journal/digest.ts';
import {
  contextFromJson,
  countFromJson,
  countsFromJson,
  EntryProblem,
  entryToJson,
  lifeFromJson,
  siteFromJson,
} from '../domain/journal/entry-json.ts';
import { parseOperationId } from '../domain/object/operation-id.ts';
import { CatalogError } from '../ports/catalog.ts';
import type { Admitted, PeerDesk } from '../ports/peer-desk.ts';
import { type Hello, PEER_PROTOCOL, PeerError, type SentOutcome } from '../ports/peer-link.ts';
import { StorageError } from '../ports/storage.ts';
import { decodeBatch, type FramedEntry, type FrameLine } from './batch-frame.ts';

/** What every path of the peer protocol begins with. No scope begins with an underscore. */
export const PEER_PATH = '/_peer/v1/';

/** A batch, at most: what a sender puts into one, and one object of the largest inline size beside it. */
const BATCH_BYTES_MAX = 80 * 1024 * 1024;
const SMALL_BYTES_MAX = 1024 * 1024;
/** From the head of a message to its end it takes no longer than one of the largest size at a tenth of a megabyte a second. */
const MESSAGE_MS = 30_000;
const BYTES_PER_MS_MIN = 100;
/** Leaves in one question, at most. */
const LEAVES_MAX = 256;

/** Answers a peer (docs/peer-protocol.md). Everything that arrives is checked before it is used. */
export class PeerEndpoint {
  readonly #desk: PeerDesk;

  constructor(desk: PeerDesk) {
    this.#desk = desk;
  }

  /** `path` begins with `PEER_PATH`. */
  async answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const ended = new AbortController();
    response.once('close', () => ended.abort());
    try {
      const reply = await this.#route(request, path.slice(PEER_PATH.length), ended.signal);
      if (reply.body !== undefined) await sendBody(response, reply.status, reply.body);
      else sendJson(response, reply.status, reply.json);
    } catch (error) {
      if (response.headersSent) {
        response.destroy();
        return;
      }
      const failed = failure(error);
      if (failed.afterS !== undefined) response.setHeader('retry-after', failed.afterS);
      sendJson(response, failed.status, { code: failed.code, message: failed.message });
    }
  }

  async #route(request: IncomingMessage, route: string, signal: AbortSignal): Promise<Reply> {
    const token = bearerOf(request);
    if (request.method === 'POST' && route === 'hello') {
      const from = helloFromJson(parseJson(await readAll(request, SMALL_BYTES_MAX)));
      demandAdmitted(await this.#desk.admit(token, from));
      return { status: 200, json: await this.#desk.hello(from) };
    }
    const { site, byTicket } = demandAdmitted(await this.#desk.admit(token, undefined));
    if (byTicket && route !== 'told' && !route.startsWith('versions/'))
      throw new Refusal(403, 'forbidden', 'a ticket is for fetching bytes: show the token');
    if (request.method === 'POST' && route === 'batch') return this.#receive(request, site, signal);
    if (request.method === 'POST' && route === 'told') return this.#told(request, site);
    if (request.method === 'POST' && route === 'floor') return this.#raiseFloor(request);
    if (request.method === 'POST' && route === 'digests') return this.#digests(request);
    if (request.method === 'POST' && route === 'listing') return this.#listing(request);
    if (request.method === 'GET' && route.startsWith('versions/')) return this.#open(request, route.slice(9), signal);
    throw new Refusal(404, 'not-found', 'there is no such path in the peer protocol');
  }

  /** Nobody speaks for another site. */
  async #demandSender(from: string, site: string | undefined): Promise<void> {
    if (site === undefined) demandAdmitted(await this.#desk.believe(from));
    else if (from !== site)
      throw new Refusal(403, 'forbidden', `the token is that of the site ${site}, and the message comes from ${from}`);
  }

  async #receive(request: IncomingMessage, site: string | undefined, signal: AbortSignal): Promise<Reply> {
    const { from, lives, entries } = decodeBatch(await readAll(request, BATCH_BYTES_MAX));
    await this.#demandSender(from, site);
    const good = entries.filter(isLine);
    const { outcomes, receipt } =
      good.length === 0
        ? { outcomes: [], receipt: undefined }
        : await this.#desk.receive({ from, lives, entries: good }, signal);
    let next = 0;
    const answers = entries.map((one): SentOutcome | undefined =>
      isLine(one) ? outcomes[next++] : { kind: 'refused', why: one.problem },
    );
    return { status: 200, json: { outcomes: answers, receipt } };
  }

  async #told(request: IncomingMessage, site: string | undefined): Promise<Reply> {
    const { from, operations, life } = parseJson(await readAll(request, SMALL_BYTES_MAX)) as Record<string, unknown>;
    if (!Array.isArray(operations)) throw new EntryProblem('operations is no list');
    const ids = operations.map((one) => parseOperationId(String(one)));
    if (ids.includes(undefined)) throw new EntryProblem('operations has one that is no UUIDv7');
    const sender = siteFromJson(from, 'from');
    await this.#demandSender(sender, site);
    const of = life === undefined ? undefined : lifeFromJson(life, 'life');
    await this.#desk.told({ from: sender, life: of, operations: ids as string[] });
    return { status: 200, json: {} };
  }

  async #raiseFloor(request: IncomingMessage): Promise<Reply> {
    const { upTo, life } = parseJson(await readAll(request, SMALL_BYTES_MAX)) as Record<string, unknown>;
    const of = life === undefined ? undefined : lifeFromJson(life, 'life');
    await this.#desk.raiseFloor({ upTo: contextFromJson(upTo, 'upTo'), life: of });
    return { status: 200, json: {} };
  }

  async #digests(request: IncomingMessage): Promise<Reply> {
    const { scopes, branch } = parseJson(await readAll(request, SMALL_BYTES_MAX)) as Record<string, unknown>;
    if (branch !== undefined && !isIndex(branch, BRANCHES)) throw new EntryProblem('branch is no number of a branch');
    const digests = await this.#desk.digests({ scopes: scopesOf(scopes), branch });
    const bytes = Buffer.from(digests.buffer, digests.byteOffset, digests.byteLength);
    return { status: 200, json: { digests: bytes.toString('base64') } };
  }

  async #listing(request: IncomingMessage): Promise<Reply> {
    const { scopes, leaves } = parseJson(await readAll(request, SMALL_BYTES_MAX)) as Record<string, unknown>;
    if (!Array.isArray(leaves) || leaves.length > LEAVES_MAX || !leaves.every((leaf) => isIndex(leaf, LEAVES)))
      throw new EntryProblem(`leaves is no list of at most ${LEAVES_MAX} numbers of leaves`);
    const objects = await this.#desk.listing({ scopes: scopesOf(scopes), leaves });
    return { status: 200, json: { objects: objects.map(({ scope, name, dots }) => [scope, name, dots]) } };
  }

  async #open(request: IncomingMessage, text: string, signal: AbortSignal): Promise<Reply> {
    const [path = '', query = ''] = text.split('?', 2);
    const operation = parseOperationId(path);
    const asked = new URLSearchParams(query);
    const scope = asked.get('scope') ?? '';
    const name = asked.get('name') ?? '';
    if (operation === undefined || scope === '' || name === '')
      throw new EntryProblem('a version is named by its UUIDv7, its scope and its name');
    const range = /^bytes=([0-9]{1,15})-$/.exec(request.headers.range ?? 'bytes=0-');
    if (range === null) throw new EntryProblem('the range is not open-ended');
    const fetched = await this.#desk.open({ scope, name, operation, start: Number(range[1]) }, signal);
    switch (fetched.kind) {
      case 'bytes':
        return { status: 206, body: fetched.body };
      case 'superseded':
        return { status: 410, json: { code: 'superseded', by: entryToJson(fetched.by) } };
      case 'lost':
        throw new Refusal(404, 'source-lost', 'the bytes of the version are not to be had here now');
    }
  }
}

type Reply =
  | { readonly status: number; readonly json: unknown; readonly body?: undefined }
  | { readonly status: number; readonly body: Uint8Array | AsyncIterable<Uint8Array> };

class Refusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

function demandAdmitted(admitted: Admitted): Extract<Admitted, { kind: 'admitted' }> {
  if (admitted.kind === 'refused') throw new Refusal(401, 'unauthorised', admitted.why);
  return admitted;
}

interface Failure {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly afterS?: number;
}

/** What a peer is told of a failure: a kind, and nothing of this site's insides. */
function failure(error: unknown): Failure {
  if (error instanceof Refusal) return error;
  if (error instanceof EntryProblem) return { status: 400, code: 'invalid', message: error.message };
  if (error instanceof PeerError && error.kind === 'stale')
    return { status: 409, code: 'stale', message: error.message };
  const isFull = (error instanceof StorageError || error instanceof CatalogError) && error.kind === 'full';
  if (isFull) return { status: 507, code: 'full', message: 'there is no room here now', afterS: 5 };
  return { status: 503, code: 'unavailable', message: 'the site cannot take it now', afterS: 1 };
}

function isIndex(value: unknown, end: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) < end;
}

function scopesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value) || !value.every((one) => typeof one === 'string'))
    throw new EntryProblem('scopes is no list of names');
  return value;
}

function isLine(one: FramedEntry): one is FrameLine {
  return 'entry' in one;
}

function bearerOf({ headers: { authorization } }: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/.exec(authorization ?? '')?.[1];
}

export function helloFromJson(value: unknown): Hello {
  const { protocol, site, url, ticket, life, actors, known, receipt } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Record<string, unknown>;
  if (protocol !== PEER_PROTOCOL)
    throw new EntryProblem(
      `protocol ${JSON.stringify(protocol) ?? 'without a number'} is not spoken here, only ${PEER_PROTOCOL}: update the older site`,
    );
  if (url !== undefined && !isAddress(url)) throw new EntryProblem('url is no address of a site');
  if (ticket !== undefined && (typeof ticket !== 'string' || !/^[0-9a-f]{64}$/.test(ticket)))
    throw new EntryProblem('ticket is not 64 hex digits');
  return {
    protocol,
    site: siteFromJson(site, 'site'),
    url,
    ticket,
    ...(life === undefined ? {} : { life: lifeFromJson(life, 'life') }),
    ...(actors === undefined ? {} : { actors: countsFromJson(actors, 'actors') }),
    ...(known === undefined ? {} : { known: countsFromJson(known, 'known') }),
    ...(receipt === undefined ? {} : { receipt: countFromJson(receipt, 'receipt') }),
  };
}

const ADDRESS_CHARS_MAX = 2048;

function isAddress(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > ADDRESS_CHARS_MAX || !URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  return (protocol === 'http:' || protocol === 'https:') && username === '' && password === '';
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value !== 'object' || value === null) throw new EntryProblem('the message is no JSON object');
    return value;
  } catch (error) {
    if (error instanceof EntryProblem) throw error;
    throw new EntryProblem('the message is no JSON');
  }
}

async function readAll(request: IncomingMessage, bytesMax: number): Promise<Uint8Array> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > bytesMax) throw new Refusal(413, 'too-large', `a message has ${bytesMax} bytes at most`);
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Nobody keeps a connection by sending a byte from time to time.
  const late = setTimeout(() => request.destroy(), MESSAGE_MS + bytesMax / BYTES_PER_MS_MIN);
  try {
    for await (const chunk of request as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > bytesMax) throw new Refusal(413, 'too-large', `a message has ${bytesMax} bytes at most`);
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(late);
  }
  return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': text.length });
  response.end(text);
}

async function sendBody(
  response: ServerResponse,
  status: number,
  body: Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  response.writeHead(status, { 'content-type': 'application/octet-stream' });
  if (body instanceof Uint8Array) {
    response.end(body);
    return;
  }
  for await (const chunk of body) {
    // The chunk is the sender's again once the next one is asked for.
    const taken = new Promise<void>((resolve) => {
      response.once('close', resolve);
      response.write(chunk, () => {
        response.off('close', resolve);
        resolve();
      });
    });
    await taken;
    if (response.destroyed) return;
  }
  response.end();
}
