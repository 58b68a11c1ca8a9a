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

const BUSY = ' (another process has been writing for too long)';
const HINTS: Readonly<Record<number, string>> = {
  5: BUSY,
  6: BUSY,
  14: ' (is it a file, and may you write it and its directory?)',
};

/** Why the system takes no catalog at a path; the path of the refused call goes before it. */
const REFUSALS: Readonly<Record<string, string>> = {
  EEXIST: 'is a file and no directory',
  ENOTDIR: 'lies below something that is no directory',
  EISDIR: 'is a directory',
  EACCES: 'is where you may not write',
  EPERM: 'is where you may not write',
  EROFS: 'is on a read-only file system',
  ENOENT: 'is where nothing can be made',
  ENAMETOOLONG: 'is longer than the file system takes',
};

/** The system refused the place of the catalog, before SQLite saw it. */
function placeError(error: unknown, location: string): CatalogError | undefined {
  if (!(error instanceof Error) || !('syscall' in error)) return undefined;
  const { code = '', path = 'it' } = error as NodeJS.ErrnoException;
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const why = isFull ? 'is on a disk that is full' : (REFUSALS[code] ?? `cannot be made (${code})`);
  const message = `catalog ${location}: ${path} ${why}: put the catalog elsewhere (--data DIR)`;
  return new CatalogError(isFull ? 'full' : 'refused-place', message, error);
}

/** Translates what SQLite or the code around it threw; a `CatalogError` passes as it is. */
export function sqliteError(error: unknown, location: string): CatalogError {
  if (error instanceof CatalogError) return error;
  const place = placeError(error, location);
  if (place !== undefined) return place;
  const code = (error as { errcode?: unknown } | undefined)?.errcode;
  const kind = typeof code === 'number' ? (KINDS[code & 0xff] ?? 'failed') : 'failed';
  const why = error instanceof Error ? error.message : String(error);
  const hint = HINTS[typeof code === 'number' ? code & 0xff : 0] ?? '';
  return new CatalogError(kind, `catalog ${location}: ${why}${hint}`, error);
}
