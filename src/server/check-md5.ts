import { createHash } from 'node:crypto';
import type { Body } from '../ports/storage.ts';
import { HttpError } from './http-error.ts';

/** A body that fails at its end where it is not what `Content-MD5` says. */
export function checkMd5(body: Body, header: string | undefined): Body {
  if (header === undefined) return body;
  const wanted = Buffer.from(header, 'base64');
  if (wanted.length !== 16) throw new HttpError(400, 'invalid-header', 'Content-MD5 is not an MD5 in base64');
  const hash = createHash('md5');
  const judge = (): void => {
    if (!hash.digest().equals(wanted))
      throw new HttpError(400, 'bad-digest', 'the body that came is not the one Content-MD5 tells of');
  };
  if (!(body instanceof Uint8Array)) return checked(body, hash, judge);
  hash.update(body);
  judge();
  return body;
}

async function* checked(
  body: AsyncIterable<Uint8Array>,
  hash: { update(chunk: Uint8Array): unknown },
  judge: () => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    hash.update(chunk);
    yield chunk;
  }
  judge();
}
