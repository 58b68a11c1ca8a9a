import { HttpError } from './http-error.ts';

/** By the error's name and kind; what is not here is a fault of the server's own. */
const STATUS_BY_KIND: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ObjectError: {
    'not-found': 404,
    unavailable: 503,
    denied: 502,
    corrupt: 500,
    changed: 409,
    condition: 412,
    conflict: 409,
    refused: 409,
    'outcome-unknown': 503,
    'invalid-name': 400,
    full: 507,
    backlog: 503,
    aborted: 499,
    failed: 501,
  },
  // Of a store that could not even be opened: what becomes of objects is told by `ObjectError`.
  StorageError: { 'not-found': 503, unavailable: 503, timeout: 503, throttled: 503, denied: 502, full: 507 },
  OperationError: { malformed: 400, expired: 410, used: 422 },
  CatalogError: { unavailable: 503, locked: 503, full: 507 },
  RuleError: { 'not-found': 404, refused: 409 },
  CollectionError: { 'not-found': 404, refused: 409 },
};

/** What may work a little later is asked again after so long. */
const RETRY_AFTER = { 'retry-after': '2' };

/** Where these lie is none of the clients' business. */
const INSIDE: Readonly<Record<string, (kind: string) => string>> = {
  CatalogError: (kind) => `the catalog is ${kind}`,
  StorageError: (kind) => `a store is ${kind}`,
};

/** What a client is told of what went wrong. Undefined: it is the server's fault, and is none of the client's business. */
export function toHttpError(error: unknown): HttpError | undefined {
  if (error instanceof HttpError) return error;
  if (!(error instanceof Error)) return undefined;
  if (error.name === 'ConfigurationError') return new HttpError(400, 'invalid', error.message);
  if (!('kind' in error)) return undefined;
  const kind = String(error.kind);
  const status = STATUS_BY_KIND[error.name]?.[kind];
  if (status === undefined) return undefined;
  // Where the catalog lies, and how it failed, is told in the log.
  const message = INSIDE[error.name]?.(kind) ?? error.message;
  const code = error.name === 'OperationError' ? `operation-${kind}` : kind;
  return new HttpError(status, code, message, status === 503 ? RETRY_AFTER : {});
}
