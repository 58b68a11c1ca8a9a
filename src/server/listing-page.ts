import type { IncomingHttpHeaders } from 'node:http';
import type { ServedListing } from '../engine/sites/list-served.ts';
import type { Reply } from './route.ts';

/** Whether who asks reads pages, as browsers do, and says so. */
export function wantsPage({ accept }: IncomingHttpHeaders): boolean {
  return /(?:^|[\s,])text\/html(?:[\s,;]|$)/i.test(accept ?? '');
}

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'",
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  vary: 'accept',
};

/** A page of links, each to one level below (docs/server.md, "Listings as pages"); it ends normally only when all pages of the listing came. */
export function pageOf(
  title: string,
  { prefix, pages }: { readonly prefix: string; readonly pages: AsyncIterable<ServedListing> },
): Reply {
  return { status: 200, headers: HEADERS, body: render(title, prefix, pages) };
}

/** As `pageOf`, of scopes. */
export function pageOfScopes(scopes: readonly string[]): Reply {
  const lines = scopes.map((scope) => linkTo(`${scope}/`));
  return { status: 200, headers: HEADERS, body: Buffer.from(`${begin('Scopes')}${lines.join('')}${END}`) };
}

async function* render(title: string, prefix: string, pages: AsyncIterable<ServedListing>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${begin(`Objects of ${title}`)}${linkTo('../')}`);
  for await (const { objects, prefixes } of pages) {
    const below = prefixes.map((one) => linkTo(one.slice(prefix.length)));
    const here = objects.map(({ name, size, modifiedNs }) => {
      const time = modifiedNs === undefined ? '' : new Date(Number(modifiedNs / 1_000_000n)).toISOString();
      return linkTo(name.slice(prefix.length), `${size ?? ''}</td><td>${time}`);
    });
    yield Buffer.from([...below, ...here].join(''));
  }
  yield Buffer.from(END);
}

function begin(title: string): string {
  const text = escape(title);
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>${text}</title></head>\n<body><h1>${text}</h1>\n<table>\n`;
}

const END = '</table></body></html>\n';

/** From the page: whatever a name begins with, it is no address elsewhere. */
function linkTo(name: string, more = '</td><td>'): string {
  const target = name === '../' ? name : `./${name.split('/').map(encodeURIComponent).join('/')}`;
  return `<tr><td><a href="${target}">${escape(name)}</a></td><td>${more}</td></tr>\n`;
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
