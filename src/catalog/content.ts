import type { Content } from '../domain/object/version.ts';
import { CatalogError } from '../ports/catalog.ts';
import { OBJECT, TOMBSTONE } from './codes.ts';
import type { SqlValue } from './session.ts';

/** A content as columns of `version`: kind, size, sha256, content type, metadata, modified_ns, mode, md5. */
export type ContentColumns = readonly [
  kind: number,
  size: number,
  sha256: Uint8Array | null,
  contentType: string | null,
  metadata: string | null,
  modifiedNs: SqlValue,
  mode: number | null,
  md5: Uint8Array | null,
];

/** The same as `select` gives it back: hashes as hex, nanoseconds as text because they exceed the safe integers. */
export type ContentRow = readonly [
  kind: number,
  size: number,
  sha256: string | null,
  contentType: string | null,
  metadata: string | null,
  modifiedNs: string | null,
  mode: number | null,
  md5: string | null,
];

export function encodeContent(content: Content): ContentColumns {
  if (content.kind === 'tombstone') return [TOMBSTONE, 0, null, null, null, null, null, null];
  return [
    OBJECT,
    content.size,
    content.sha256 === undefined ? null : encodeSha256(content.sha256),
    content.contentType ?? null,
    encodeMetadata(content.metadata),
    keptTime(content.modifiedNs),
    content.mode ?? null,
    content.md5 === undefined ? null : encodeMd5(content.md5),
  ];
}

const NS_MAX = 2n ** 63n;

/** Databases count to 2262, file systems further: a file of later is known without its time. */
function keptTime(ns: bigint | undefined): bigint | null {
  return ns === undefined || ns >= NS_MAX || ns < -NS_MAX ? null : ns;
}

export function decodeContent(row: ContentRow): Content {
  const [kind, size, sha256, contentType, metadata, modifiedNs, mode, md5] = row;
  if (kind === TOMBSTONE) return { kind: 'tombstone' };
  return {
    kind: 'object',
    size,
    sha256: sha256 ?? undefined,
    ...(contentType === null ? {} : { contentType }),
    ...(metadata === null ? {} : { metadata: JSON.parse(metadata) as Record<string, string> }),
    ...(modifiedNs === null ? {} : { modifiedNs: BigInt(modifiedNs) }),
    ...(mode === null ? {} : { mode }),
    ...(md5 === null ? {} : { md5 }),
  };
}

export function encodeSha256(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== 32 || hex.length !== 64) throw new CatalogError('failed', `not a sha256 in hex: ${hex}`);
  return bytes;
}

function encodeMd5(hex: string): Uint8Array {
  const bytes = Buffer.from(hex, 'hex');
  if (bytes.length !== 16 || hex.length !== 32) throw new CatalogError('failed', `not an md5 in hex: ${hex}`);
  return bytes;
}

/** JSON with its keys in order, so that equal metadata is equal text. */
function encodeMetadata(metadata: Readonly<Record<string, string>> | undefined): string | null {
  if (metadata === undefined) return null;
  const entries = Object.entries(metadata).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return entries.length === 0 ? null : JSON.stringify(Object.fromEntries(entries));
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An operation's UUID as its 16 bytes. */
export function encodeOperation(operation: string): Uint8Array {
  if (!UUID.test(operation)) throw new CatalogError('failed', `an operation's id is a UUID, not ${operation}`);
  return Buffer.from(operation.replaceAll('-', ''), 'hex');
}

export function decodeOperation(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
