import { CatalogError } from '../ports/catalog.ts';

/** Primary result codes of SQLite (https://www.sqlite.org/rescode.html) and what they mean for a caller. */
const KINDS: Readonly<Record<number, CatalogError['kind']>> = {
  5: 'locked', // SQLITE_BUSY
  6: 'locked', // SQLITE_LOCKED
  8: 'unavailable', // SQLITE_READONLY
  10: 'unavailable', // SQLITE_IOERR
  11: 'corrupt', // SQLITE_CORRUPT
  13: 'full', // SQLITE_FULL
  14: 'unavailable', // SQLITE_CANTOPEN
  26: 'corrupt', // SQLITE_NOTADB
};

/** Translates what SQLite or the code around it threw; a `CatalogError` passes as it is. */
export function sqliteError(error: unknown, location: string): CatalogError {
  if (error instanceof CatalogError) return error;
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  const kind = typeof code === 'number' ? (KINDS[code & 0xff] ?? 'failed') : 'failed';
  const why = error instanceof Error ? error.message : String(error);
  const hint = kind === 'locked' ? ' (another process has been writing for too long)' : '';
  return new CatalogError(kind, `catalog ${location}: ${why}${hint}`, error);
}
