import type { IncomingHttpHeaders } from 'node:http';
import { entityTagOf } from '../domain/object/entity-tag.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import type { Attributes } from '../ports/storage.ts';
import type { Validators } from './conditions.ts';
import { HttpError } from './http-error.ts';

const METADATA = 'x-amz-meta-';
/** S3's own limit, names and values together. */
const METADATA_BYTES_MAX = 2048;
const NS_PER_MS = 1_000_000n;

/** Headers that would change what is written, and are not understood: refused, because without them something else would be written. */
const NOT_UNDERSTOOD = ['content-range', 'content-encoding', 'x-amz-copy-source'] as const;

/** What a PUT says of its object besides the bytes. */
export function readAttributes(headers: IncomingHttpHeaders, nowMs: number): Attributes {
  for (const name of NOT_UNDERSTOOD)
    if (headers[name] !== undefined && headers[name] !== 'identity')
      throw new HttpError(501, 'unsupported', `the header ${name} is not understood here`);
  const metadata: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    if (!name.startsWith(METADATA) || typeof value !== 'string') continue;
    const key = name.slice(METADATA.length);
    if (key === '') throw new HttpError(400, 'invalid-header', `${METADATA} names no metadata`);
    bytes += key.length + value.length;
    metadata[key] = fromHeader(name, value);
  }
  if (bytes > METADATA_BYTES_MAX)
    throw new HttpError(400, 'metadata-too-large', `metadata has ${bytes} bytes, more than ${METADATA_BYTES_MAX}`);
  const contentType = headers['content-type'];
  return {
    ...(contentType === undefined || contentType === ''
      ? {}
      : { contentType: fromHeader('content-type', contentType) }),
    ...(bytes === 0 ? {} : { metadata }),
    modifiedNs: BigInt(Math.floor(nowMs)) * NS_PER_MS,
  };
}

export function validatorsOf(content: ObjectContent, version: string | undefined): Validators {
  return { entityTag: entityTagOf(content, version), modifiedMs: toMs(content.modifiedNs) };
}

export function validatorHeaders(content: ObjectContent, version: string | undefined): Record<string, string> {
  const { entityTag, modifiedMs } = validatorsOf(content, version);
  return {
    ...(entityTag === undefined ? {} : { etag: `"${entityTag}"` }),
    ...(modifiedMs === undefined ? {} : { 'last-modified': new Date(modifiedMs).toUTCString() }),
    ...(version === undefined ? {} : { 'x-pando-version': version }),
  };
}

/** All that is told of an object but the length of what is sent. */
export function objectHeaders(
  content: ObjectContent,
  { version, isUnvalidated }: { readonly version: string | undefined; readonly isUnvalidated: boolean },
): Record<string, string> {
  const headers: Record<string, string> = {
    'accept-ranges': 'bytes',
    'content-type': toHeader(content.contentType ?? '') ?? 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    // What somebody has written is shown by browsers, and is no page of this server.
    'content-security-policy': 'sandbox',
    ...validatorHeaders(content, version),
  };
  if (content.sha256 !== undefined) headers['x-pando-sha256'] = content.sha256;
  if (isUnvalidated) headers['x-pando-unvalidated'] = 'true';
  for (const [key, value] of Object.entries(content.metadata ?? {})) {
    const told = TOKEN.test(key) ? toHeader(value) : undefined;
    if (told !== undefined) headers[`${METADATA}${key.toLowerCase()}`] = told;
  }
  return headers;
}

const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** Headers are bytes, which Node shows as Latin-1: those of clients are UTF-8. */
function fromHeader(name: string, value: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    throw new HttpError(400, 'invalid-header', `${name} is not UTF-8`);
  }
}

/** Undefined: it cannot be said in a header. */
function toHeader(value: string): string | undefined {
  if (value === '' || /[\u0000-\u0008\u000a-\u001f\u007f]/.test(value)) return undefined;
  return Buffer.from(value, 'utf8').toString('latin1');
}

function toMs(ns: bigint | undefined): number | undefined {
  return ns === undefined ? undefined : Number(ns / NS_PER_MS);
}
