import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isOfPeer, type Right } from '../domain/access/right.ts';
import type { Clock } from '../ports/clock.ts';
import type { TokenCatalog, TokenRecord } from '../ports/tokens.ts';
import { HttpError } from './http-error.ts';
import { whyForeign } from './refuse-foreign.ts';

/** Who asks. */
export interface Caller {
  /** Name of the token; undefined: anybody. */
  readonly name: string | undefined;
}

const ANYBODY: Caller = { name: undefined };

/** A token that was revoked is good no longer than this. */
const TOKENS_KEPT_MS = 1_000;

interface KnownToken extends TokenRecord {
  readonly digest: Buffer;
}

/**
 * Who may ask for what (docs/server.md, "Tokens"). As long as there is no token but those of peers, anybody may ask for everything: whether
 * a server may listen so at all is decided before it does.
 */
export class Access {
  readonly #catalog: Pick<TokenCatalog, 'listTokens'>;
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #isLoopback: boolean;
  #tokens: Promise<readonly KnownToken[]> | undefined;
  #readMs = Number.NEGATIVE_INFINITY;

  /** `isLoopback`: nobody but this machine reaches the server, so that of those who ask without a token the pages of others are the danger. */
  constructor(
    catalog: Pick<TokenCatalog, 'listTokens'>,
    clock: Pick<Clock, 'monotonicMs'>,
    { isLoopback }: { readonly isLoopback: boolean },
  ) {
    this.#catalog = catalog;
    this.#clock = clock;
    this.#isLoopback = isLoopback;
  }

  /** Fails with an `HttpError` where everybody may ask for everything, and the request is not one of this machine's own. */
  async demandOwn(headers: IncomingHttpHeaders): Promise<void> {
    if (!this.#isLoopback || !(await this.#read()).every(isOfPeer)) return;
    const foreign = whyForeign(headers);
    if (foreign !== undefined) throw foreign;
  }

  /** Fails with an `HttpError` that says what is missing. */
  async demand(
    headers: IncomingHttpHeaders,
    { right, scope }: { readonly right: Right | undefined; readonly scope: string | undefined },
  ): Promise<Caller> {
    if (right === undefined) return ANYBODY;
    await this.demandOwn(headers);
    const { authorization } = headers;
    const tokens = await this.#read();
    const token = findToken(tokens, authorization);
    if (token === undefined) {
      if (authorization === undefined && right !== 'peer' && tokens.every(isOfPeer)) return ANYBODY;
      throw unauthorized(authorization);
    }
    if (!token.rights.includes(right))
      throw new HttpError(403, 'forbidden', `the token ${token.name} has not the right ${right}`);
    if (token.scopes !== undefined && (scope === undefined || !token.scopes.includes(scope))) {
      const what = scope === undefined ? 'what concerns all scopes' : `the scope ${scope}`;
      throw new HttpError(403, 'forbidden', `the token ${token.name} is not for ${what}`);
    }
    return { name: token.name };
  }

  #read(): Promise<readonly KnownToken[]> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#tokens !== undefined && nowMs - this.#readMs < TOKENS_KEPT_MS) return this.#tokens;
    this.#readMs = nowMs;
    const reading = this.#catalog
      .listTokens()
      .then((tokens) => tokens.map((token) => ({ ...token, digest: Buffer.from(token.hash, 'hex') })));
    reading.catch(() => (this.#tokens = undefined));
    this.#tokens = reading;
    return reading;
  }
}

function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

const BEARER = /^Bearer +([\x21-\x7e]{1,512}) *$/i;

/** All are looked at, whichever it is. */
function findToken(tokens: readonly KnownToken[], authorization: string | undefined): KnownToken | undefined {
  const [, presented] = BEARER.exec(authorization ?? '') ?? [];
  if (presented === undefined) return undefined;
  const digest = Buffer.from(hashToken(presented), 'hex');
  let found: KnownToken | undefined;
  for (const token of tokens) if (timingSafeEqual(token.digest, digest)) found = token;
  return found;
}

function unauthorized(authorization: string | undefined): HttpError {
  const message =
    authorization === undefined
      ? 'a token is needed: send the header Authorization: Bearer TOKEN'
      : 'the token is not known here';
  return new HttpError(401, 'unauthorized', message, { 'www-authenticate': 'Bearer' });
}
