import { findKeyProblem } from '../domain/object/key.ts';
import type { ServedListing } from '../engine/sites/list-served.ts';
import type { ServedObjects } from '../engine/sites/served-objects.ts';
import { HttpError } from './http-error.ts';
import { pageOf, pageOfScopes, wantsPage } from './listing-page.ts';
import { type Exchange, jsonReply, type Reply, type Route } from './route.ts';

export interface ListingRoutesGiven {
  readonly objects: Pick<ServedObjects, 'list'>;
  /** By name. */
  readonly listScopes: () => Promise<readonly string[]>;
}

/** Listings: JSON a page at a time, or all of a directory as one page of HTML for who asks for that. */
export function listingRoutes({ objects, listScopes }: ListingRoutesGiven): readonly Route[] {
  const listing = {
    method: 'GET',
    summary: 'The objects of a scope, by name in byte order',
    right: 'read',
    query: LIST_QUERY,
  } as const;
  return [
    {
      method: 'GET',
      path: '/',
      summary: 'The scopes',
      right: 'read',
      answers: [200, 503],
      handle: async ({ headers }) => {
        const scopes = await listScopes();
        return wantsPage(headers) ? pageOfScopes(scopes) : jsonReply({ scopes });
      },
    },
    {
      ...listing,
      path: '/{scope}',
      answers: [200, 301, 409, 501, 503],
      handle: async (exchange) => (isPage(exchange) ? toDirectory(exchange) : list(objects, exchange)),
    },
    {
      ...listing,
      path: '/{scope}/',
      answers: [200, 409, 501, 503],
      handle: async (exchange) => (isPage(exchange) ? listDirectory(objects, exchange) : list(objects, exchange)),
    },
  ];
}

const LIST_QUERY = {
  prefix: 'only names that begin so',
  delimiter: 'names are shown up to its first occurrence after the prefix',
  'start-after': 'only names after this one',
  'max-keys': 'so many at most, 1000 unless it says less',
  format: 'json',
};
const KEYS_MAX = 1000;

/** Who asks for a part of a listing reads JSON. */
function isPage({ headers, query }: Exchange): boolean {
  return query.size === 0 && wantsPage(headers);
}

/** Links of a page are told from where it lies. */
function toDirectory({ params }: Exchange): Reply {
  return { status: 301, headers: { location: `./${params['scope']}/`, 'content-length': '0', vary: 'accept' } };
}

/** Whether what is asked for is a directory to list, and no object: no name ends so. */
export function isDirectory({ params, headers }: Exchange): boolean {
  return params['name']?.endsWith('/') === true && wantsPage(headers);
}

/** All of one level of a scope, as one page; 404 where there is nothing below a directory. */
export async function listDirectory(
  objects: Pick<ServedObjects, 'list'>,
  { params, signal }: Exchange,
): Promise<Reply> {
  const { scope = '', name: prefix = '' } = params;
  const problem = prefix === '' ? undefined : findKeyProblem(prefix.slice(0, -1));
  if (problem !== undefined) throw new HttpError(400, 'invalid-name', `the name is refused: ${problem}`);
  const query = { prefix, delimiter: '/', limit: KEYS_MAX, signal };
  const first = await objects.list(scope, { ...query, startAfter: '' });
  if (prefix !== '' && first.objects.length + first.prefixes.length === 0)
    throw new HttpError(404, 'not-found', `there is nothing in ${scope}:${prefix}`);
  const pages = async function* (): AsyncGenerator<ServedListing> {
    let page = first;
    yield page;
    while (page.next !== undefined) {
      page = await objects.list(scope, { ...query, startAfter: page.next });
      yield page;
    }
  };
  return pageOf(`${scope}/${prefix}`, { prefix, pages: pages() });
}

async function list(objects: Pick<ServedObjects, 'list'>, { params, query, signal }: Exchange): Promise<Reply> {
  const scope = params['scope'] ?? '';
  const format = query.get('format') ?? 'json';
  if (format !== 'json') throw new HttpError(400, 'invalid-query', 'format: only json is understood');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') || undefined;
  const limit = readLimit(query.get('max-keys'));
  const startAfter = query.get('start-after') ?? '';
  const page = await objects.list(scope, { prefix, delimiter, startAfter, limit, signal });
  return jsonReply({
    scope,
    prefix,
    delimiter,
    maxKeys: limit,
    isTruncated: page.next !== undefined,
    nextStartAfter: page.next,
    objects: page.objects.map(({ name, size, modifiedNs, entityTag }) => ({
      name,
      size,
      ...(entityTag === undefined ? {} : { etag: `"${entityTag}"` }),
      ...(modifiedNs === undefined ? {} : { lastModified: new Date(Number(modifiedNs / 1_000_000n)).toISOString() }),
    })),
    prefixes: page.prefixes,
  });
}

function readLimit(text: string | undefined): number {
  if (text === undefined) return KEYS_MAX;
  const limit = Number(text);
  if (!/^\d{1,9}$/.test(text) || limit < 1)
    throw new HttpError(400, 'invalid-query', 'max-keys must be a whole number from 1');
  return Math.min(limit, KEYS_MAX);
}
