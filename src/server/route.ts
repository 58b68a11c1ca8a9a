import type { IncomingHttpHeaders } from 'node:http';
import type { Right } from '../domain/access/right.ts';
import type { Body } from '../ports/storage.ts';
import type { Caller } from './access.ts';

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

/** A request on its way to its answer. */
export interface Exchange {
  /** As it came: HEAD is not GET. */
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Decoded, by the names in the route's path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
  readonly caller: Caller;
  /** Of the body in bytes; undefined: its chunks tell. */
  readonly announcedBytes: number | undefined;
  /** The body, once: a client that waits for leave to send it gets it now. Ends normally only when all of it came. */
  readonly openBody: () => Promise<Body>;
  /** Aborted when the client is gone, or the server ends. */
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Absent: there is none, or of a HEAD it is not sent. */
  readonly body?: Body | undefined;
  /** Frees what the body holds, whether it was sent or not. */
  readonly end?: () => void;
}

/** One thing that can be asked of the server. The table of all of them is what is served, and what /openapi.json tells. */
export interface Route {
  readonly method: Method;
  /** `/admin/operations/{id}`; `{name...}` at the end takes all that is left. HEAD is understood wherever GET is. */
  readonly path: string;
  readonly summary: string;
  /** Undefined: anybody may. Where the path has a `{scope}`, of that scope. */
  readonly right: Right | undefined;
  /** Queries it understands, with what they are; another one is refused. */
  readonly query?: Readonly<Record<string, string>>;
  /** Statuses besides those any request may have. */
  readonly answers: readonly number[];
  /** Whether a request has a body. */
  readonly takesBody?: boolean;
  /** Its body may come as slowly as it likes. */
  readonly isPatient?: true;
  /** Fails with `HttpError`, or an error that `toHttpError` knows. */
  readonly handle: (exchange: Exchange) => Promise<Reply>;
}

export function jsonReply(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  const text = JSON.stringify(value, (_key, one: unknown) => (typeof one === 'bigint' ? String(one) : one));
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: Buffer.from(`${text}\n`) };
}
