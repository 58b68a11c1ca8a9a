import type { Attributes, Mark } from '../../ports/storage.ts';

/**
 * What one extended attribute (`user.pando`), or one sidecar where there are none, says of a file: 1 byte format, 16 bytes
 * operation id, 32 bytes sha256 (zeros: unknown), then JSON of content type and user metadata if there are any. The first
 * 49 bytes fit into an ext4 inode, so marking a file costs no block.
 */
export const MARK_ATTRIBUTE = 'user.pando';
export const MARK_BYTES_MAX = 64 * 1024;

const FORMAT = 1;
const HEADER_BYTES = 49;
const UNKNOWN = '0'.repeat(64);

export interface FileMark {
  readonly mark: Mark | undefined;
  readonly attributes: Pick<Attributes, 'contentType' | 'metadata'>;
}

export const NO_MARK: FileMark = { mark: undefined, attributes: {} };

export function encodeFileMark(mark: Mark, attributes: Attributes): Buffer {
  const extra = encodeExtra(attributes);
  const bytes = Buffer.allocUnsafe(HEADER_BYTES + extra.length);
  bytes[0] = FORMAT;
  bytes.write(mark.operation.replaceAll('-', ''), 1, 16, 'hex');
  bytes.write(mark.sha256 ?? UNKNOWN, 17, 32, 'hex');
  bytes.write(extra, HEADER_BYTES, 'latin1');
  return bytes;
}

/** JSON with everything beyond ASCII escaped, so that its length in characters is its length in bytes. */
function encodeExtra({ contentType, metadata }: Attributes): string {
  if (contentType === undefined && metadata === undefined) return '';
  return JSON.stringify({ contentType, metadata }).replace(
    /[^\u0000-\u007f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Bytes that are not a mark of ours (another format, a torn sidecar) say nothing. */
export function decodeFileMark(bytes: Buffer): FileMark {
  if (bytes.length < HEADER_BYTES || bytes[0] !== FORMAT) return NO_MARK;
  const id = bytes.toString('hex', 1, 17);
  const operation = `${id.slice(0, 8)}-${id.slice(8, 12)}-${id.slice(12, 16)}-${id.slice(16, 20)}-${id.slice(20)}`;
  const sha256 = bytes.toString('hex', 17, HEADER_BYTES);
  return {
    mark: { operation, sha256: sha256 === UNKNOWN ? undefined : sha256 },
    attributes: bytes.length === HEADER_BYTES ? {} : decodeExtra(bytes.toString('latin1', HEADER_BYTES)),
  };
}

function decodeExtra(text: string): FileMark['attributes'] {
  try {
    const { contentType, metadata } = JSON.parse(text) as Attributes;
    return {
      ...(typeof contentType === 'string' ? { contentType } : {}),
      ...(typeof metadata === 'object' ? { metadata } : {}),
    };
  } catch {
    return {};
  }
}
