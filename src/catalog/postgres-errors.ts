import { CatalogError } from '../ports/catalog.ts';

/** SQLSTATEs (docs: PostgreSQL, Appendix A) and what they mean for a caller; a class of two characters covers the rest of it. */
const KINDS: Readonly<Record<string, CatalogError['kind']>> = {
  '08': 'unavailable', // connection exception
  '28': 'unavailable', // not let in
  '3D': 'unavailable', // no such database
  '53': 'full', // insufficient resources: disk, memory
  '53300': 'unavailable', // too many connections
  '55P03': 'locked', // lock_timeout
  '40': 'locked', // rolled back for the sake of another one, again and again
  '57': 'unavailable', // shut down, cancelled
  '58': 'unavailable', // system error
  XX001: 'corrupt',
  XX002: 'corrupt',
};

/** The transaction was rolled back for the sake of another one; it may be run again at once. */
const AGAIN = new Set(['40001', '40P01']);

/** Errors of sockets and of the driver itself carry no SQLSTATE. */
const CONNECTION = /connect|terminat|timeout|ended|socket|ECONN|EHOST|ENET|EPIPE|ENOTFOUND|EAI_AGAIN/i;

export function isWorthRepeating(error: unknown): boolean {
  return AGAIN.has(sqlState(error) ?? '');
}

/** Translates what the driver or the code around it threw; a `CatalogError` passes as it is. */
export function postgresError(error: unknown, location: string): CatalogError {
  if (error instanceof CatalogError) return error;
  const why = describe(error);
  return new CatalogError(kindOf(error, why), `catalog ${location}: ${why}`, error);
}

function kindOf(error: unknown, why: string): CatalogError['kind'] {
  const state = sqlState(error);
  if (state !== undefined) return KINDS[state] ?? KINDS[state.slice(0, 2)] ?? 'failed';
  return CONNECTION.test(`${(error as { code?: string }).code ?? ''} ${why}`) ? 'unavailable' : 'failed';
}

function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code) ? code : undefined;
}

function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ');
  return error instanceof Error ? error.message : String(error);
}
