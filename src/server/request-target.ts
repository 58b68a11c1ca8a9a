import { HttpError } from './http-error.ts';

/** What a request asks for. */
export interface Target {
  /** As it came: it is decoded where its segments are known. */
  readonly encodedPath: string;
  readonly query: ReadonlyMap<string, string>;
}

/** What may stand in a request's target; anything else, raw UTF-8 too, was not encoded. */
const TARGET = /^\/[\x21-\x7e]*$/;

/** Throws `HttpError` where it is not the target of a request to a server. */
export function parseTarget(raw: string): Target {
  if (!TARGET.test(raw) || raw.includes('#'))
    throw new HttpError(400, 'invalid-target', 'the target must begin with / and be percent-encoded');
  const mark = raw.indexOf('?');
  const encodedPath = mark < 0 ? raw : raw.slice(0, mark);
  const query = new Map<string, string>();
  for (const pair of mark < 0 ? [] : raw.slice(mark + 1).split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const spaced = pair.replaceAll('+', ' ');
    const key = decode(equals < 0 ? spaced : spaced.slice(0, equals));
    if (query.has(key)) throw new HttpError(400, 'invalid-target', `the query says ${JSON.stringify(key)} twice`);
    query.set(key, equals < 0 ? '' : decode(spaced.slice(equals + 1)));
  }
  return { encodedPath, query };
}

/** Throws `HttpError` where it is no percent-encoded UTF-8. What comes out is not decoded again. */
export function decode(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    throw new HttpError(400, 'invalid-target', 'the target is not percent-encoded UTF-8');
  }
}
