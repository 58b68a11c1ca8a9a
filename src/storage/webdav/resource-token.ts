import type { Token } from '../../ports/storage.ts';

/** What a token is made of, told by a listing or by an answer. */
export interface TokenFacts {
  readonly etag: string | undefined;
  readonly size: number;
  readonly modifiedMs: number | undefined;
}

/**
 * The ETag without quotes, whether the server calls it weak or not: Apache calls one weak for its first second, and it stays the
 * same. Of a server without ETags it is size and time.
 */
export function tokenOf({ etag, size, modifiedMs }: TokenFacts): Token {
  if (etag === undefined) return `${size}.${modifiedMs ?? ''}`;
  return etag.replace(/^W\//, '').replaceAll('"', '');
}

/** As a condition takes it; undefined where a server would refuse it: a weak one is never equal to anything. */
export function strongEtag(etag: string | undefined): string | undefined {
  return etag?.startsWith('"') === true ? etag : undefined;
}
