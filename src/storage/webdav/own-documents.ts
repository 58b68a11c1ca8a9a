import { statusOf } from './dav-errors.ts';
import { type DavPlace, isNotThere, isRefusedByState, ownName } from './dav-place.ts';
import { makeCollections } from './collections.ts';
import { strongEtag } from './resource-token.ts';

/** A small file Pando keeps under `.pando/` in the store. */
export interface OwnDocument {
  readonly text: string;
  /** Undefined where a condition cannot be made of it. */
  readonly etag: string | undefined;
}

export async function readOwn(place: DavPlace, name: string, bytesMax: number): Promise<OwnDocument | undefined> {
  try {
    const answer = await place.request({ method: 'GET', name: ownName(name), retried: true });
    const told = answer.headers['content-length'];
    const sent = told === undefined ? Number.MAX_SAFE_INTEGER : Number(told);
    const wanted = { start: 0, end: Math.min(sent, bytesMax) };
    const isOpenEnded = told === undefined;
    const body = place.body(answer, { key: ownName(name), wanted, sent, signal: undefined, isOpenEnded });
    const chunks = await Array.fromAsync(body);
    return { text: Buffer.concat(chunks).toString('utf8'), etag: strongEtag(answer.headers.etag) };
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}

export type OwnCondition = { readonly ifAbsent: true } | { readonly ifEtag: string | undefined };

/** False: the condition did not hold. Not every server minds conditions. */
export async function writeOwn(
  place: DavPlace,
  name: string,
  text: string,
  condition?: OwnCondition,
): Promise<boolean> {
  const request = {
    method: 'PUT' as const,
    name: ownName(name),
    headers: { 'content-type': 'application/json', ...headersOf(condition) },
    body: Buffer.from(text, 'utf8'),
    retried: true,
  };
  try {
    await place.order(request);
    return true;
  } catch (error) {
    if (statusOf(error) === 412) return false;
    if (!isRefusedByState(error)) throw error;
    await makeCollections(place, ownName(name));
    await place.order(request);
    return true;
  }
}

function headersOf(condition: OwnCondition | undefined): Record<string, string> {
  if (condition === undefined) return {};
  if ('ifAbsent' in condition) return { 'if-none-match': '*' };
  return condition.ifEtag === undefined ? {} : { 'if-match': condition.ifEtag };
}

export async function deleteOwn(place: DavPlace, name: string): Promise<void> {
  try {
    await place.order({ method: 'DELETE', name: ownName(name), retried: true });
  } catch (error) {
    if (!isNotThere(error)) throw error;
  }
}
