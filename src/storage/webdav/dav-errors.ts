import { StorageError, type StorageErrorKind } from '../../ports/storage.ts';

/** What a server, or the way to it, said; without anything of the request, so that no secret can be in it. */
export class DavFailure extends Error {
  override readonly name = 'DavFailure';
  /** HTTP status; 0: no answer came. */
  readonly status: number;
  readonly kind: StorageErrorKind;

  constructor(status: number, kind: StorageErrorKind, said: string, cause?: unknown) {
    super(said, cause === undefined ? undefined : { cause });
    this.status = status;
    this.kind = kind;
  }
}

const KINDS: Readonly<Record<number, readonly [StorageErrorKind, string]>> = {
  401: ['denied', 'the server refuses the credentials'],
  403: ['denied', 'the server forbids it'],
  404: ['not-found', 'not found'],
  408: ['timeout', 'the server waited too long'],
  409: ['not-found', 'a directory on the way is not there'],
  410: ['not-found', 'not found'],
  412: ['precondition-failed', 'something else is there'],
  413: ['unsupported', 'it is larger than the server takes'],
  414: ['invalid-key', 'the key is longer than the server takes'],
  423: ['throttled', 'somebody has locked it'],
  429: ['throttled', 'the server asks to slow down'],
  502: ['unavailable', 'a proxy has no answer of the server'],
  503: ['throttled', 'the server asks to slow down'],
  504: ['unavailable', 'a proxy has no answer of the server'],
  507: ['full', 'no space is left on the server'],
};

export function failureOfStatus(status: number, method: string): DavFailure {
  const [kind, words] = KINDS[status] ?? otherStatus(status);
  return new DavFailure(status, kind, `${words} (${method}: ${status})`);
}

function otherStatus(status: number): readonly [StorageErrorKind, string] {
  if (status >= 500 && status !== 501) return ['unavailable', 'the server failed'];
  if (status >= 300 && status < 400) return ['unsupported', 'the server sends us elsewhere: set url to where it lies'];
  return ['unsupported', 'the server does not do this'];
}

/** Whatever a request threw, as the one error of the port (docs/stores.md, "Errors"). */
export function toStorageError(
  error: unknown,
  where: { store: string; key?: string },
  signal?: AbortSignal,
): StorageError {
  if (error instanceof StorageError) return error;
  const failure = toFailure(error);
  const kind = signal?.aborted === true ? 'aborted' : failure.kind;
  return new StorageError(kind, where, failure.message, failure);
}

function toFailure(error: unknown): DavFailure {
  if (error instanceof DavFailure) return error;
  const { code, errors } = (error ?? {}) as { code?: unknown; errors?: readonly unknown[] };
  // Several addresses of one host were tried: the first tells as much as all of them.
  if (errors?.[0] !== undefined) return toFailure(errors[0]);
  const said = typeof code === 'string' ? code : 'the connection failed';
  return new DavFailure(0, code === 'ETIMEDOUT' ? 'timeout' : 'unavailable', said, error);
}

/** The status behind a storage error of this adapter; 0: none. */
export function statusOf(error: unknown): number {
  return error instanceof StorageError && error.cause instanceof DavFailure ? error.cause.status : 0;
}
