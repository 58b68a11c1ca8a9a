import type { Attributes, Mark } from '../../ports/storage.ts';

/** What an object's user metadata says beyond what the user put there. */
export interface DecodedMetadata {
  readonly attributes: Attributes;
  /** Undefined: not Pando's, or its mark lies beside it. */
  readonly mark: Mark | undefined;
  /** Name of the mark that lies beside the object (docs/stores.md, "Marks"). */
  readonly markBeside: string | undefined;
}

/** Names Pando uses; a user's key of the same name goes into `pando-metadata`. `mtime` is the convention of rclone. */
const OPERATION = 'pando-operation';
const SHA256 = 'pando-sha256';
const BESIDE = 'pando-mark';
const MODE = 'pando-mode';
const MORE = 'pando-metadata';
const MTIME = 'mtime';
const OWN = new Set([OPERATION, SHA256, BESIDE, MODE, MORE, MTIME]);

/** Header names every server gives back as they were: some fold `_` into `-`, and all fold case. */
const PLAIN_NAME = /^[a-z0-9][a-z0-9.-]*$/;
/** Header values that need no encoding: printable ASCII, no space at either end, nothing that looks encoded. */
const PLAIN_VALUE = /^(?!.*=\?)[\u0021-\u007e](?:[\u0020-\u007e]*[\u0021-\u007e])?$/;
const ENCODED_VALUE = /^=\?utf-8\?b\?([a-z0-9+/=]*)\?=$/i;
const ENCODED_WORD = /=\?utf-8\?([bq])\?([^?]*)\?=/gi;

/** What S3 gives where no content type was said. */
export const NO_CONTENT_TYPE = 'binary/octet-stream';

/** User metadata of an object with these attributes, and its mark, or the name of the mark beside it. */
export function encodeMetadata(
  attributes: Attributes,
  mark: Mark | { readonly beside: string },
): Record<string, string> {
  const encoded: Record<string, string> = {};
  const more: [string, string][] = [];
  for (const [name, value] of Object.entries(attributes.metadata ?? {})) {
    if (PLAIN_NAME.test(name) && !OWN.has(name)) encoded[name] = encodeValue(value);
    else more.push([name, value]);
  }
  if (more.length > 0) encoded[MORE] = encodeValue(JSON.stringify(more));
  if ('beside' in mark) encoded[BESIDE] = mark.beside;
  else {
    encoded[OPERATION] = encodeValue(mark.operation);
    if (mark.sha256 !== undefined) encoded[SHA256] = mark.sha256;
  }
  if (attributes.modifiedNs !== undefined) encoded[MTIME] = formatSeconds(attributes.modifiedNs);
  if (attributes.mode !== undefined) encoded[MODE] = attributes.mode.toString(8);
  return encoded;
}

export function decodeMetadata(
  raw: Readonly<Record<string, string>>,
  contentType: string | undefined,
): DecodedMetadata {
  const metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(raw)) if (!OWN.has(name)) set(metadata, name, decodeValue(value));
  for (const [name, value] of parseMore(raw[MORE])) set(metadata, name, value);
  const modifiedNs = parseSeconds(raw[MTIME]);
  const mode = /^[0-7]{1,4}$/.test(raw[MODE] ?? '') ? Number.parseInt(raw[MODE] as string, 8) : undefined;
  const operation = raw[OPERATION];
  return {
    attributes: {
      ...(contentType === undefined || contentType === NO_CONTENT_TYPE ? {} : { contentType }),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
      ...(modifiedNs === undefined ? {} : { modifiedNs }),
      ...(mode === undefined ? {} : { mode }),
    },
    mark: operation === undefined ? undefined : { operation: decodeValue(operation), sha256: raw[SHA256] },
    markBeside: operation === undefined ? raw[BESIDE] : undefined,
  };
}

/** Also names such as `__proto__` are only names. */
function set(record: Record<string, string>, name: string, value: string): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

/** Values beyond printable ASCII travel as RFC 2047 words, which Amazon itself answers with for such values. */
function encodeValue(value: string): string {
  return PLAIN_VALUE.test(value) ? value : `=?UTF-8?B?${Buffer.from(value, 'utf8').toString('base64')}?=`;
}

function decodeValue(value: string): string {
  const whole = ENCODED_VALUE.exec(value);
  if (whole !== null) return Buffer.from(whole[1] as string, 'base64').toString('utf8');
  if (value.includes('=?')) {
    return value.replace(ENCODED_WORD, (_, form: string, text: string) =>
      form.toLowerCase() === 'b' ? Buffer.from(text, 'base64').toString('utf8') : decodeQuoted(text),
    );
  }
  return fromRawBytes(value);
}

function decodeQuoted(text: string): string {
  const binary = text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return fromRawBytes(binary);
}

/** Node reads header bytes as Latin-1; where another tool wrote UTF-8 into a header, this gives it back. */
function fromRawBytes(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(value, 'latin1'));
  } catch {
    return value;
  }
}

function parseMore(value: string | undefined): [string, string][] {
  if (value === undefined) return [];
  try {
    const parsed: unknown = JSON.parse(decodeValue(value));
    if (!Array.isArray(parsed)) return [];
    return parsed.filter(
      (pair): pair is [string, string] => Array.isArray(pair) && pair.every((part) => typeof part === 'string'),
    );
  } catch {
    return [];
  }
}

const NS_PER_SECOND = 1_000_000_000n;

/** Seconds since 1970 with nine decimals, as rclone writes them. */
export function formatSeconds(ns: bigint): string {
  const magnitude = ns < 0n ? -ns : ns;
  const fraction = (magnitude % NS_PER_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return `${ns < 0n ? '-' : ''}${magnitude / NS_PER_SECOND}${fraction === '' ? '' : `.${fraction}`}`;
}

export function parseSeconds(text: string | undefined): bigint | undefined {
  const match = /^(-?)(\d{1,12})(?:\.(\d{1,9})\d*)?$/.exec(text ?? '');
  if (match === null) return undefined;
  const ns = BigInt(match[2] as string) * NS_PER_SECOND + BigInt((match[3] ?? '').padEnd(9, '0'));
  return match[1] === '-' ? -ns : ns;
}
