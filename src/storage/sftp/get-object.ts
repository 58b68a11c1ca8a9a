import type { ByteSpan } from '../../domain/transfer/byte-range.ts';
import type { GetOptions, Got, Head, Token } from '../../ports/storage.ts';
import { readWhole } from '../http-body.ts';
import { MARK_DOCUMENT_BYTES_MAX, NO_MARK, parseMark } from '../mark-document.ts';
import { SftpBody } from './sftp-body.ts';
import { demandFile, type SftpPlace } from './sftp-place.ts';
import type { SftpSession, SftpStatus } from './sftp-session.ts';

/** A body up to this size is read before `get` returns: its failure is that of `get`. */
const WHOLE_BODY_BYTES_MAX = 256 * 1024;
const NS_PER_S = 1_000_000_000n;

export async function headObject(place: SftpPlace, key: string): Promise<Head> {
  const session = await place.session();
  const marking = readMarkText(place, session, key);
  const status = await place.look(session, key);
  demandFile(place, key, status);
  return headOf(key, status, await marking);
}

/** The bytes asked for, of the very file whose head is told. */
export async function getObject(place: SftpPlace, key: string, options: GetOptions): Promise<Got> {
  const { span, ifToken, signal } = options;
  const session = await place.session();
  const marking = readMarkText(place, session, key);
  const before = await place.look(session, key);
  demandFile(place, key, before);
  demandToken(place, key, before, ifToken);
  const handle = await session.openForReading(place.pathOf(key));
  try {
    const status = await session.fstat(handle);
    demandToken(place, key, status, ifToken);
    const head = headOf(key, status, await marking);
    const wanted = clip(span, status.size);
    const body = new SftpBody({ session, handle }, wanted, { store: place.store, key }, signal);
    const length = wanted.end - wanted.start;
    return { head, body: length <= WHOLE_BODY_BYTES_MAX ? await readWhole(body, length) : body };
  } catch (error) {
    session.close(handle).catch(() => undefined);
    throw error;
  }
}

export function modifiedNsOf({ seconds }: SftpStatus): bigint {
  return BigInt(seconds) * NS_PER_S;
}

function headOf(key: string, status: SftpStatus, markText: string): Head {
  const { mark, attributes } = markText === '' ? NO_MARK : parseMark(markText, key, status.token);
  const modifiedNs = modifiedNsOf(status);
  return {
    token: status.token,
    size: status.size,
    modifiedNs,
    attributes: { ...attributes, modifiedNs, mode: status.mode },
    mark,
    digests: {},
  };
}

/** Asked for at once with everything else; a mark that cannot be read says nothing. */
function readMarkText(place: SftpPlace, session: SftpSession, key: string): Promise<string> {
  return place.readOwn(session, place.markPath(key), MARK_DOCUMENT_BYTES_MAX).then(
    (text) => text ?? '',
    () => '',
  );
}

function demandToken(place: SftpPlace, key: string, status: SftpStatus, ifToken: Token | undefined): void {
  if (ifToken !== undefined && status.token !== ifToken) throw place.taken(key, 'the file is another than expected');
}

function clip(span: ByteSpan | undefined, size: number): ByteSpan {
  if (span === undefined) return { start: 0, end: size };
  const start = Math.min(span.start, size);
  return { start, end: Math.max(start, Math.min(span.end, size)) };
}
