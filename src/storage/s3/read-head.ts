import type { IncomingMessage } from 'node:http';
import type { Head } from '../../ports/storage.ts';
import { md5OfEtag, tokenOf } from './etag.ts';
import { headerOf } from './http-exchange.ts';
import { decodeMetadata } from './object-metadata.ts';

const METADATA = 'x-amz-meta-';

/** The head of an object as HEAD and GET tell it, and the name of the mark beside it where it does not carry its own. */
export function readHead(
  answer: IncomingMessage,
  size: number,
): { readonly head: Head; readonly markBeside: string | undefined } {
  const raw: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (name.startsWith(METADATA) && typeof value === 'string') raw[name.slice(METADATA.length)] = value;
  }
  const token = tokenOf(headerOf(answer, 'etag'));
  const { attributes, mark, markBeside } = decodeMetadata(raw, headerOf(answer, 'content-type'));
  const md5 = md5OfEtag(token, {
    kind: headerOf(answer, 'x-amz-server-side-encryption'),
    customerKey: headerOf(answer, 'x-amz-server-side-encryption-customer-algorithm'),
  });
  const modifiedNs = attributes.modifiedNs ?? dateNs(new Date(headerOf(answer, 'last-modified') ?? ''));
  return { head: { token, size, modifiedNs, attributes, mark, digests: md5 === undefined ? {} : { md5 } }, markBeside };
}

export function dateNs(date: Date | undefined): bigint | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : BigInt(date.getTime()) * 1_000_000n;
}

/** The body's length, as the server announced it. */
export function lengthOf(answer: IncomingMessage): number {
  return Number(headerOf(answer, 'content-length') ?? 0);
}

/** User metadata as headers of a request. */
export function metadataHeaders(metadata: Readonly<Record<string, string>>): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) headers[METADATA + name] = value;
  return headers;
}
