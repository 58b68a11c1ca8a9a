import { StorageError, type StorageErrorKind } from '../../ports/storage.ts';

/** Status codes of SFTP version 3. */
export const STATUS = {
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** What a server, or the way to it, said. Nothing of how one logs in is in it. */
export class SftpFailure extends Error {
  override readonly name = 'SftpFailure';
  /** Undefined: no answer of the server's. */
  readonly status: number | undefined;
  readonly kind: StorageErrorKind;

  constructor(kind: StorageErrorKind, said: string, options: { status?: number; cause?: unknown } = {}) {
    super(said, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
  }
}

const KINDS: Readonly<Record<number, readonly [StorageErrorKind, string]>> = {
  [STATUS.noSuchFile]: ['not-found', 'not found'],
  [STATUS.permissionDenied]: ['denied', 'permission denied'],
  // OpenSSH: a name that is too long.
  [STATUS.badMessage]: ['invalid-key', 'the server takes no such name'],
  [STATUS.unsupported]: ['unsupported', 'the server does not support this'],
};

/** What ssh2 reports of a request, a connection or a login, as a failure of this adapter. */
export function toFailure(error: unknown): SftpFailure {
  if (error instanceof SftpFailure) return error;
  const { code, level, message } = (error ?? {}) as { code?: unknown; level?: unknown; message?: unknown };
  const said = typeof message === 'string' ? message : 'unknown failure';
  if (typeof code === 'number') {
    const [kind, words] = KINDS[code] ?? ['unavailable', `the server failed without a reason: ${said}`];
    return new SftpFailure(kind, words, { status: code, cause: error });
  }
  if (level === 'client-authentication')
    return new SftpFailure('denied', 'the server refuses this user, or how they log in', { cause: error });
  if (level === 'client-timeout') return new SftpFailure('timeout', said, { cause: error });
  if (said.includes('does not support this extended request'))
    return new SftpFailure('unsupported', 'the server lacks an extension of OpenSSH that this needs', { cause: error });
  return new SftpFailure(code === 'ETIMEDOUT' ? 'timeout' : 'unavailable', said, { cause: error });
}

/** The one place where a failure becomes the error of the port (docs/stores.md, "Errors"). */
export function toStorageError(error: unknown, where: { store: string; key?: string }): StorageError {
  if (error instanceof StorageError) return error;
  const failure = toFailure(error);
  return new StorageError(failure.kind, where, failure.message, failure);
}

export function isMissing(error: unknown): boolean {
  return error instanceof SftpFailure && error.status === STATUS.noSuchFile;
}

/** SFTP version 3 has one status for most reasons; what it was can only be looked for. */
export function isUnexplained(error: unknown): boolean {
  return error instanceof SftpFailure && error.status === STATUS.failure;
}
