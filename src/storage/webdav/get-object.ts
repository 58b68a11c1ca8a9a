import type { IncomingMessage } from 'node:http';
import type { ByteSpan } from '../../domain/transfer/byte-range.ts';
import type { GetOptions, Got, Head } from '../../ports/storage.ts';
import { readWhole } from '../http-body.ts';
import { covers, sentOf, wantedOf } from '../http-range.ts';
import { MARK_DOCUMENT_BYTES_MAX, markDocumentName, parseMark } from '../mark-document.ts';
import { statusOf } from './dav-errors.ts';
import type { DavPlace } from './dav-place.ts';
import { readOwn } from './own-documents.ts';
import { type TokenFacts, tokenOf } from './resource-token.ts';

/** A body up to this size is read before `get` returns: its failure is that of `get`. */
const WHOLE_BODY_BYTES_MAX = 256 * 1024;
const NS_PER_MS = 1_000_000n;
/** How servers answer a GET of a collection: some with a way to its own address. */
const COLLECTION_ANSWERS: readonly number[] = [301, 302, 303, 307, 308, 403, 404, 405];
const RANGE_BEYOND_END = 416;

interface AskOptions {
  readonly signal?: AbortSignal | undefined;
}

export async function headObject(place: DavPlace, key: string, { signal }: AskOptions): Promise<Head> {
  const marking = readMarkText(place, key);
  const found = await place.find(key, { key, signal });
  if (found === undefined || found.isCollection) throw notFound(place, key);
  return headOf(key, found, await marking);
}

/** One GET: the bytes asked for of exactly what the token names, with the head of the whole object. */
export async function getObject(place: DavPlace, key: string, { span, ifToken, signal }: GetOptions): Promise<Got> {
  const isNothing = span !== undefined && span.start >= span.end;
  const marking = readMarkText(place, key);
  const answer = isNothing ? undefined : await requestBytes(place, key, span, signal);
  if (answer === undefined) {
    const head = await headObject(place, key, { signal });
    demandToken(place, key, head.token, ifToken);
    return { head, body: new Uint8Array(0) };
  }
  try {
    if (answer.headers['content-length'] === undefined)
      throw place.fail('unsupported', key, 'the server does not say how long it is');
    const sent = sentOf(answer);
    if (sent === undefined || (span !== undefined && !covers(sent, span)))
      throw place.fail('unavailable', key, 'other bytes came than were asked for');
    const facts = factsOf(answer, sent.size);
    // Not by `If-Match`: an ETag that is weak for now matches nothing there.
    demandToken(place, key, tokenOf(facts), ifToken);
    const wanted = wantedOf(span, sent);
    const body = place.body(answer, { key, wanted, sent: sent.end - sent.start, signal });
    const length = wanted.end - wanted.start;
    const head = headOf(key, facts, await marking);
    return { head, body: length <= WHOLE_BODY_BYTES_MAX ? await readWhole(body, length) : body };
  } catch (error) {
    answer.destroy();
    throw error;
  }
}

/** Undefined: there are no bytes where they were asked for. */
async function requestBytes(
  place: DavPlace,
  key: string,
  span: ByteSpan | undefined,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage | undefined> {
  const headers: Record<string, string> = span === undefined ? {} : { range: `bytes=${span.start}-${span.end - 1}` };
  try {
    return await place.request({ method: 'GET', name: key, headers, key, signal });
  } catch (error) {
    const status = statusOf(error);
    if (status === RANGE_BEYOND_END) return undefined;
    if (COLLECTION_ANSWERS.includes(status) && (await place.find(key, { key, signal }))?.isCollection === true)
      throw notFound(place, key);
    throw error;
  }
}

function headOf(key: string, facts: TokenFacts, markText: string): Head {
  const token = tokenOf(facts);
  const { mark, attributes } = parseMark(markText, key, token);
  const receivedNs = facts.modifiedMs === undefined ? undefined : BigInt(facts.modifiedMs) * NS_PER_MS;
  return { token, size: facts.size, modifiedNs: attributes.modifiedNs ?? receivedNs, attributes, mark, digests: {} };
}

/** Asked for at once with everything else; a mark that cannot be read says nothing. */
function readMarkText(place: DavPlace, key: string): Promise<string> {
  return readOwn(place, markDocumentName(key), MARK_DOCUMENT_BYTES_MAX).then(
    (document) => document?.text ?? '',
    () => '',
  );
}

function factsOf({ headers }: IncomingMessage, size: number): TokenFacts {
  const modifiedMs = Date.parse(headers['last-modified'] ?? '');
  return { etag: headers.etag, size, modifiedMs: Number.isNaN(modifiedMs) ? undefined : modifiedMs };
}

function demandToken(place: DavPlace, key: string, token: string, ifToken: string | undefined): void {
  if (ifToken !== undefined && token !== ifToken)
    throw place.fail('precondition-failed', key, 'the store holds something else than expected');
}

function notFound(place: DavPlace, key: string): Error {
  return place.fail('not-found', key, 'not found');
}
