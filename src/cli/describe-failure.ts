import { EXIT, type ExitCode } from './exit-codes.ts';

export interface DescribedFailure {
  /** One line, or one and what belongs to it, indented. */
  readonly message: string;
  readonly exitCode: ExitCode;
}

/** By the error's name and kind: the classes themselves may not be loaded. */
const EXIT_BY_KIND: Readonly<Record<string, Readonly<Record<string, ExitCode>>>> = {
  ObjectError: {
    'not-found': EXIT.notFound,
    unavailable: EXIT.unavailable,
    condition: EXIT.refused,
    conflict: EXIT.refused,
    refused: EXIT.refused,
    'invalid-name': EXIT.usage,
    aborted: EXIT.interrupted,
  },
  StorageError: {
    'not-found': EXIT.notFound,
    throttled: EXIT.unavailable,
    unavailable: EXIT.unavailable,
    timeout: EXIT.unavailable,
    'invalid-key': EXIT.usage,
    aborted: EXIT.interrupted,
  },
  UploadError: { refused: EXIT.refused, unavailable: EXIT.unavailable, full: EXIT.unavailable },
  RuleError: { 'not-found': EXIT.notFound, refused: EXIT.refused },
  PeersError: { 'not-found': EXIT.notFound, invalid: EXIT.usage, refused: EXIT.refused },
  CollectionError: { 'not-found': EXIT.notFound, refused: EXIT.refused },
  CatalogError: {
    unavailable: EXIT.unavailable,
    locked: EXIT.unavailable,
    'refused-place': EXIT.usage,
    'too-new': EXIT.usage,
  },
};

/** What a user is told of an error, and what the process ends with. */
export function describeFailure(error: unknown): DescribedFailure {
  if (!(error instanceof Error)) return { message: String(error), exitCode: EXIT.failed };
  const { name, message } = error;
  // What came first is the reason; that the end of what was open failed too follows from it.
  if (error instanceof SuppressedError) return describeFailure(error.suppressed);
  if (name === 'ConfigurationError') return { message, exitCode: EXIT.usage };
  if (name === 'SyncHeldError') return { message, exitCode: EXIT.refused };
  const kind = 'kind' in error ? String(error.kind) : undefined;
  // Of a file its own message says what to do.
  if (name === 'CatalogError' && kind === 'unavailable' && message.includes('postgres://')) {
    const advice = 'is its server running there, and is catalog: in pando.yaml, or PANDO_CATALOG, right?';
    return { message: `${message}\n  → ${advice}`, exitCode: EXIT.unavailable };
  }
  if (name === 'CatalogError' && kind === 'corrupt' && !message.includes('postgres://')) {
    const remedy =
      'move that file away, or put a backup in its place; pando sync and pando verify find out what the stores hold';
    return { message: `${message}\n  → ${remedy}`, exitCode: EXIT.failed };
  }
  const kinds = EXIT_BY_KIND[name];
  if (kinds !== undefined) return { message: withRemedy(error), exitCode: kinds[kind ?? ''] ?? EXIT.failed };
  if (name === 'AbortError') return { message: 'interrupted', exitCode: EXIT.interrupted };
  const isSystem = 'code' in error && 'syscall' in error;
  if (isSystem)
    return { message: describeSystem(error), exitCode: error.code === 'ENOENT' ? EXIT.notFound : EXIT.failed };
  return { message: `internal error: ${message} (-vv shows where)`, exitCode: EXIT.failed };
}

function withRemedy(error: Error): string {
  return 'remedy' in error ? `${error.message}\n  → ${String(error.remedy)}` : error.message;
}

/** Why the system refused, by its code. */
export const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'you may not',
  EPERM: 'you may not',
  EISDIR: 'it is a directory',
  ENOTDIR: 'a part of it is not a directory',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  EEXIST: 'it exists already',
};

function describeSystem(error: Error & { readonly code: unknown; readonly syscall: unknown }): string {
  const what = 'path' in error ? String(error.path) : String(error.syscall);
  return `${what}: ${REASONS[String(error.code)] ?? error.message}`;
}
