import { withoutSecrets } from './without-secrets.ts';

/** A bearer token, fetched anew for each request: it may be renewed at any time. */
export type FtsToken = () => string | Promise<string>;

export interface FtsConnectionOptions {
  /** `https://fts.example.org:8446`, without a user or a password. */
  readonly endpoint: string;
  readonly token: FtsToken | undefined;
  /** For a whole request, from its beginning to the last byte of its answer. */
  readonly deadlineMs: number;
}

export type FtsAnswer =
  /** `body`: parsed JSON; undefined where it is none. `why`: what the server says of a failure, without secrets. */
  | { readonly kind: 'answered'; readonly status: number; readonly body: unknown; readonly why: string }
  /** The server never had the request. */
  | { readonly kind: 'unreached'; readonly why: string }
  /** The server may have done it, or may still do it. */
  | { readonly kind: 'unanswered'; readonly why: string };

/** A page of job states takes a few kilobytes a job. */
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;

/** System errors that come before the first byte of a request is sent. */
const BEFORE_SENDING: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** One FTS server. Requests never fail: how they ended is their answer. */
export class FtsConnection {
  readonly #endpoint: string;
  readonly #o: FtsConnectionOptions;
  readonly #closing = new AbortController();

  constructor(options: FtsConnectionOptions) {
    const url = new URL(options.endpoint);
    if (url.username !== '' || url.password !== '') throw new TypeError('the endpoint of FTS has a password in it');
    this.#endpoint = url.href.replace(/\/+$/, '');
    this.#o = options;
  }

  async request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<FtsAnswer> {
    let token: string | undefined;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(this.#o.deadlineMs)]);
    try {
      signal.throwIfAborted();
      token = await this.#o.token?.();
    } catch (error) {
      return { kind: 'unreached', why: `no token for it: ${describe(error)}` };
    }
    try {
      const response = await fetch(this.#endpoint + path, {
        method,
        signal,
        // A token is for this server only.
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await readText(response);
      const parsed = parseJson(text);
      const why = withoutSecrets(`${response.status} ${saidOf(parsed)}`.trim(), token);
      return { kind: 'answered', status: response.status, body: parsed, why };
    } catch (error) {
      const why = withoutSecrets(describe(error), token);
      if (signal.aborted && !this.#closing.signal.aborted)
        return { kind: 'unanswered', why: `no answer within ${this.#o.deadlineMs} ms` };
      return { kind: BEFORE_SENDING.has(codeOf(error)) ? 'unreached' : 'unanswered', why };
    }
  }

  /** Requests under way end unanswered. */
  close(): void {
    this.#closing.abort(new Error('it is closed'));
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`an answer of more than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function saidOf(body: unknown): string {
  const message = body instanceof Object && 'message' in body ? body.message : undefined;
  return typeof message === 'string' ? message : '';
}

/** The system's code says more than "fetch failed". */
function describe(error: unknown): string {
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return code === '' ? message : `${message} (${code})`;
}

function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Object && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : '';
}
