const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it lies below something that is no directory',
  EACCES: 'you may not read it',
  EISDIR: 'it is a directory',
};

/** Why the system did not let a file be read, in words. */
export function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return REASONS[code] ?? `it cannot be read (${code})`;
}
