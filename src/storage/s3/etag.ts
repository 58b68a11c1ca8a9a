import { hash } from 'node:crypto';
import type { Token } from '../../ports/storage.ts';

/**
 * The token of an object in S3 is its ETag without quotes. Listings, HEAD, GET and PUT all tell it, and every server takes
 * it in `If-Match`; a version id is not part of it, because listings do not tell one. Equal ETags mean equal bytes (an MD5
 * of them, or of the MD5s of their parts), so the same bytes written again have the same token.
 */
export function tokenOf(etag: string | undefined): Token {
  return (etag ?? '').replace(/^W\//, '').replaceAll('"', '');
}

/** As HTTP writes it. */
export function quoted(token: Token): string {
  return `"${token}"`;
}

/** The MD5 an ETag is, if it is one: not of uploads in parts, not of objects encrypted with a key of the user's. */
export function md5OfEtag(
  token: Token,
  encryption: { readonly kind?: string | undefined; readonly customerKey?: string | undefined },
): string | undefined {
  if (!/^[0-9a-f]{32}$/.test(token)) return undefined;
  if (encryption.customerKey !== undefined || (encryption.kind !== undefined && encryption.kind !== 'AES256'))
    return undefined;
  return token;
}

/** The ETag of an upload, as S3 makes it from those of its parts. */
export function etagOfParts(etags: readonly Token[]): Token {
  return `${hash('md5', Buffer.from(etags.join(''), 'hex'))}-${etags.length}`;
}
