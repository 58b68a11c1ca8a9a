import type { Agent as HttpAgent, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { BRANCHES, type Digests } from '../domain/journal/digest.ts';
import { countFromJson, entryFromJson, EntryProblem } from '../domain/journal/entry-json.ts';
import {
  type Batch,
  type DigestQuery,
  type Fetched,
  type Floor,
  type Hello,
  type ListedObject,
  type ListingQuery,
  PeerError,
  type PeerErrorKind,
  type PeerLink,
  type SentAnswer,
  type SentOutcome,
  type ToldEntries,
  type Wanted,
} from '../ports/peer-link.ts';
import { encodeBatch } from './batch-frame.ts';
import { helloFromJson, PEER_PATH } from './peer-endpoint.ts';

export interface HttpPeer {
  /** `http://host:port` or `https://…`. */
  readonly url: string;
  readonly token: string | undefined;
  /** No byte either way for so long, and the connection is given up. */
  readonly idleMs: number;
}

/** Answers are small: outcomes of a batch, or an entry. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
/** For digests and names the peer walks over all it has, and says nothing meanwhile: a million objects take seconds, on a busy machine a minute. */
const WALK_MS_MAX = 15 * 60_000;
/** Connections kept to one peer: batches under way and fetches beside them. */
const SOCKETS_MAX = 32;

/** The peer protocol over HTTP (docs/peer-protocol.md). */
export class HttpPeerLink implements PeerLink {
  readonly #base: URL;
  readonly #peer: HttpPeer;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(peer: HttpPeer) {
    this.#peer = peer;
    this.#base = new URL(peer.url);
    const options = { keepAlive: true, maxSockets: SOCKETS_MAX };
    this.#agent = new (httpOf(this.#base).Agent)(options);
  }

  async hello(own: Hello, signal: AbortSignal): Promise<Hello> {
    const answer = await this.#ask({ method: 'POST', path: 'hello', body: [jsonOf(own)], signal });
    return this.#understand(() => helloFromJson(answer));
  }

  async send(batch: Batch, signal: AbortSignal): Promise<SentAnswer> {
    const answer = await this.#ask({ method: 'POST', path: 'batch', body: encodeBatch(batch), signal });
    return this.#understand(() => sentAnswerOf(answer, batch.entries.length));
  }

  async tell(told: ToldEntries, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'POST', path: 'told', body: [jsonOf(told)], signal });
  }

  async raiseFloor(floor: Floor, signal: AbortSignal): Promise<void> {
    await this.#ask({ method: 'POST', path: 'floor', body: [jsonOf(floor)], signal });
  }

  async digests(query: DigestQuery, signal: AbortSignal): Promise<Digests> {
    const answer = await this.#ask({ method: 'POST', path: 'digests', body: [jsonOf(query)], isWalk: true, signal });
    return this.#understand(() => digestsOf(answer));
  }

  async listing(query: ListingQuery, signal: AbortSignal): Promise<readonly ListedObject[]> {
    const answer = await this.#ask({ method: 'POST', path: 'listing', body: [jsonOf(query)], isWalk: true, signal });
    return this.#understand(() => listingOf(answer));
  }

  async fetch({ scope, name, operation, start }: Wanted, signal: AbortSignal): Promise<Fetched> {
    const headers = { range: `bytes=${start}-` };
    const path = `versions/${operation}?scope=${scope}&name=${encodeURIComponent(name)}`;
    const answer = await this.#exchange({ method: 'GET', path, body: [], headers, signal });
    if (answer.statusCode === 206) return { kind: 'bytes', body: this.#bodyOf(answer) };
    const text = await this.#readAll(answer);
    if (answer.statusCode === 410) return this.#understand(() => supersededBy(parse(text)));
    if (answer.statusCode === 404) return { kind: 'lost' };
    throw this.#failed(answer, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }

  async #ask(question: Question): Promise<unknown> {
    const answer = await this.#exchange(question);
    const text = await this.#readAll(answer);
    if (answer.statusCode !== 200) throw this.#failed(answer, text);
    return this.#understand(() => parse(text));
  }

  /** What nobody can make anything of came from something that is no peer, or a newer one. */
  #understand<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof EntryProblem)
        throw new PeerError('refused', `${this.#base.host} answered what is no answer: ${error.message}`, {
          cause: error,
        });
      throw error;
    }
  }

  #exchange({ method, path, body, headers = {}, isWalk, signal }: Question): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const length = body.reduce((sum, part) => sum + part.length, 0);
      const { token } = this.#peer;
      const idleMs = isWalk === true ? WALK_MS_MAX : this.#peer.idleMs;
      const sent = httpOf(this.#base).request({
        host: this.#base.hostname.replace(/^\[|\]$/g, ''),
        port: this.#base.port,
        method,
        path: `${this.#base.pathname.replace(/\/$/, '')}${PEER_PATH}${path}`,
        agent: this.#agent,
        signal,
        // Of the socket, so that it holds while there is no connection yet.
        timeout: idleMs,
        headers: {
          ...headers,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(method === 'POST' ? { 'content-length': length } : {}),
        },
      });
      sent.on('timeout', () => sent.destroy(new Error(`nothing was heard for ${idleMs / 1000} s`)));
      sent.on('response', resolve);
      sent.on('error', (error) => reject(this.#unreachable(error)));
      for (const part of body) sent.write(part);
      sent.end();
    });
  }

  async #readAll(answer: IncomingMessage): Promise<string> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    try {
      for await (const chunk of answer as AsyncIterable<Uint8Array>) {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) throw new Error('its answer has no end');
        chunks.push(chunk);
      }
    } catch (error) {
      throw this.#unreachable(error);
    }
    return Buffer.concat(chunks).toString();
  }

  async *#bodyOf(answer: IncomingMessage): AsyncGenerator<Uint8Array> {
    try {
      yield* answer as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): PeerError {
    const why = error instanceof Error ? error.message : String(error);
    return new PeerError('unreachable', `${this.#base.host}: ${why}`, { cause: error });
  }

  #failed(answer: IncomingMessage, text: string): PeerError {
    const status = answer.statusCode ?? 0;
    const after = Number(answer.headers['retry-after']);
    const afterMs = Number.isFinite(after) && after > 0 ? Math.min(after, 300) * 1000 : undefined;
    const message = `${this.#base.host} answered ${status}${messageOf(text)}`;
    return new PeerError(kindOf(status), message, afterMs === undefined ? {} : { afterMs });
  }
}

/** Not imported: an import asks `node:http` for all it names, a client for WebSockets among it, and so takes ten times as long. */
function httpOf({ protocol }: URL) {
  return protocol === 'https:' ? process.getBuiltinModule('node:https') : process.getBuiltinModule('node:http');
}

interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: readonly Uint8Array[];
  readonly headers?: Readonly<Record<string, string>>;
  /** The peer has to look at all it has before it answers. */
  readonly isWalk?: true;
  readonly signal: AbortSignal;
}

function kindOf(status: number): PeerErrorKind {
  if (status === 401 || status === 403) return 'unauthorised';
  if (status === 507) return 'full';
  if (status === 409) return 'stale';
  if (status === 400 || status === 413 || status === 422 || status === 200) return 'refused';
  return status === 429 || status === 503 ? 'busy' : 'unreachable';
}

/** What its answer says, where it is one of ours: short, and printable. */
function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { readonly message?: unknown };
    return typeof message === 'string' ? `: ${message.slice(0, 300).replace(/[^\x20-\x7e]/g, '?')}` : '';
  } catch {
    return '';
  }
}

function jsonOf(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new EntryProblem('it is no JSON');
  }
}

const OUTCOMES = new Set([
  'applied',
  'conflict',
  'older',
  'duplicate',
  'purged',
  'bytes-wanted',
  'taken-up',
  'refused',
]);

function sentAnswerOf(answer: unknown, count: number): SentAnswer {
  const { outcomes, receipt } = (typeof answer === 'object' && answer !== null ? answer : {}) as Record<
    string,
    unknown
  >;
  return {
    outcomes: outcomesOf(outcomes, count),
    receipt: receipt === undefined ? undefined : countFromJson(receipt, 'receipt'),
  };
}

function outcomesOf(outcomes: unknown, count: number): readonly SentOutcome[] {
  if (!Array.isArray(outcomes) || outcomes.length !== count)
    throw new EntryProblem(`it has not one outcome for each of ${count} entries`);
  return outcomes.map((one: unknown): SentOutcome => {
    const { kind, why } = (typeof one === 'object' && one !== null ? one : {}) as Record<string, unknown>;
    if (typeof kind !== 'string' || !OUTCOMES.has(kind)) throw new EntryProblem('it has an outcome that is not known');
    if (kind === 'refused') return { kind, why: typeof why === 'string' ? why.slice(0, 1000) : 'no reason was given' };
    return { kind: kind as Exclude<SentOutcome['kind'], 'refused' | 'stale'> };
  });
}

function supersededBy(answer: unknown): Fetched {
  const { by } = (typeof answer === 'object' && answer !== null ? answer : {}) as { readonly by?: unknown };
  const entry = entryFromJson(by);
  if (entry.kind !== 'version') throw new EntryProblem('it names no version that came after');
  return { kind: 'superseded', by: entry };
}

/** Base64 of 256 numbers of 64 bits, little endian. */
function digestsOf(answer: unknown): Digests {
  const { digests } = (typeof answer === 'object' && answer !== null ? answer : {}) as { readonly digests?: unknown };
  const bytes = typeof digests === 'string' ? Buffer.from(digests, 'base64') : Buffer.alloc(0);
  if (bytes.length !== BRANCHES * 8) throw new EntryProblem(`it has not ${BRANCHES} digests`);
  return new BigUint64Array(new Uint8Array(bytes).buffer);
}

function listingOf(answer: unknown): readonly ListedObject[] {
  const { objects } = (typeof answer === 'object' && answer !== null ? answer : {}) as { readonly objects?: unknown };
  if (!Array.isArray(objects)) throw new EntryProblem('it lists no objects');
  return objects.map((one: unknown): ListedObject => {
    const [scope, name, dots] = Array.isArray(one) ? (one as unknown[]) : [];
    if (typeof scope !== 'string' || typeof name !== 'string' || typeof dots !== 'string')
      throw new EntryProblem('it lists what is no object');
    return { scope, name, dots };
  });
}
