import type { IncomingHttpHeaders } from 'node:http';
import { HttpError } from './http-error.ts';
import { isLoopback } from './is-loopback.ts';

/**
 * Why a request is not one of this machine's own (docs/server.md, "Tokens"); undefined: it is. A page of another site that gives its name the
 * address of this machine sends that name as `Host`, and one that asks by this machine's name sends its own as `Origin`.
 */
export function whyForeign({ host, origin }: IncomingHttpHeaders): HttpError | undefined {
  if (host !== undefined && !isOwn(`http://${host}`)) {
    const message = `a server without tokens answers to the names of this machine, and ${JSON.stringify(host.slice(0, 100))} is none: ask 127.0.0.1 or localhost, or make a token (pando token create)`;
    return new HttpError(403, 'foreign-host', message);
  }
  if (origin === undefined || isOwn(origin)) return undefined;
  const message = 'a server without tokens does not answer to pages of other sites: make a token (pando token create)';
  return new HttpError(403, 'foreign-origin', message);
}

function isOwn(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const name = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  return isLoopback(name) || name.endsWith('.localhost');
}
