import { StorageError, type StorageErrorKind } from '../../ports/storage.ts';

/** What a server, or the way to it, said; without anything of the request, so that no secret can be in it. */
export class S3Failure extends Error {
  override readonly name = 'S3Failure';
  /** S3's error code, or that of the system call. */
  readonly code: string;
  /** HTTP status; 0: no answer came. */
  readonly status: number;

  constructor(code: string, status: number, said = '', requestId?: string) {
    const words =
      ADVICE[code] ?? (SAYS_NOTHING.test(said) ? adviceOnRights(code) : said === code ? '' : shownText(said));
    const facts = [status === 0 ? '' : String(status), requestId === undefined ? '' : `request ${requestId}`];
    const tail = facts.filter((fact) => fact !== '').join(', ');
    const name = shownText(code);
    super(`${words === '' ? name : `${name}: ${words}`}${tail === '' ? '' : ` (${tail})`}`);
    this.code = code;
    this.status = status;
  }
}

/** What a server said ends up in terminals and logs: one line, and not a long one. */
function shownText(said: string): string {
  return said.slice(0, 500).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ');
}

const KINDS: Readonly<Record<string, StorageErrorKind>> = {
  NoSuchKey: 'not-found',
  NotFound: 'not-found',
  NoSuchBucket: 'not-found',
  NoSuchVersion: 'not-found',
  NoSuchUpload: 'changed',
  PreconditionFailed: 'precondition-failed',
  SlowDown: 'throttled',
  Throttling: 'throttled',
  ThrottlingException: 'throttled',
  RequestLimitExceeded: 'throttled',
  TooManyRequests: 'throttled',
  TooManyRequestsException: 'throttled',
  ServiceUnavailable: 'throttled',
  OperationAborted: 'throttled',
  ConditionalRequestConflict: 'throttled',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  InvalidAccessKeyId: 'denied',
  SignatureDoesNotMatch: 'denied',
  ExpiredToken: 'denied',
  InvalidToken: 'denied',
  TokenRefreshRequired: 'denied',
  RequestTimeTooSkewed: 'denied',
  CredentialsProviderError: 'denied',
  MethodNotAllowed: 'read-only',
  BadDigest: 'corrupt',
  XAmzContentSHA256Mismatch: 'corrupt',
  InvalidDigest: 'corrupt',
  IncompleteBody: 'unavailable',
  UnexpectedAnswer: 'unavailable',
  InternalError: 'unavailable',
  RequestTimeout: 'timeout',
  QuotaExceeded: 'full',
  QuotaExceededException: 'full',
  InsufficientCapacity: 'full',
  XMinioStorageFull: 'full',
  KeyTooLongError: 'invalid-key',
  InvalidObjectName: 'invalid-key',
  InvalidURI: 'invalid-key',
  TimeoutError: 'timeout',
  ETIMEDOUT: 'timeout',
  AbortError: 'aborted',
  ERR_INVALID_CHAR: 'unsupported',
  ECONNREFUSED: 'unavailable',
  ECONNRESET: 'unavailable',
  ECONNABORTED: 'unavailable',
  EPIPE: 'unavailable',
  ENOTFOUND: 'unavailable',
  EAI_AGAIN: 'unavailable',
  EHOSTUNREACH: 'unavailable',
  ENETUNREACH: 'unavailable',
};

/** What a reader of the message should do, where the code alone does not tell. */
const ADVICE: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist',
  SignatureDoesNotMatch:
    'the secret key does not fit this access key: check both; a proxy that rewrites the host of endpoint_url does this too',
  InvalidAccessKeyId:
    'the server does not know this access key: check it, and that endpoint_url is the server it is of',
  ExpiredToken: 'the session has ended: get new credentials',
  InvalidToken: 'the session token is not one of this server, or not of this access key: get new credentials',
  RequestTimeTooSkewed: 'the clocks of this machine and the server differ too much: put them right (timedatectl)',
  PermanentRedirect: 'the bucket lies in another region; set region',
  AuthorizationHeaderMalformed: 'the bucket lies in another region; set region',
  MetadataTooLarge: 'the metadata is larger than the server takes (2 KB at Amazon)',
  InvalidObjectState: 'the object lies in an archive and must be restored first',
  KeyTooLongError: 'with the prefix the key is longer than the server takes',
};

/** All that most servers say of a missing right, and nothing at all to a HEAD. */
const SAYS_NOTHING = /^(access ?denied\.?)?$/i;

function adviceOnRights(code: string): string {
  return code === 'AccessDenied'
    ? 'these credentials may not do this, or are wrong: check them, and the policies of the bucket and of their user'
    : '';
}

/** Nobody had credentials; `profile` is that of the AWS files which was asked for them. */
export function noCredentials(profile: string | undefined): S3Failure {
  const why =
    profile === undefined
      ? 'no AWS credentials were found: name them in the profile (credentials_provider), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY'
      : `the AWS profile ${profile} has no credentials: give it some (aws configure --profile ${profile}), or name another one`;
  return new S3Failure('CredentialsProviderError', 0, why);
}

/** Whatever a request threw, as the one error of the port (docs/stores.md, "Errors"). */
export function toStorageError(
  error: unknown,
  where: { store: string; key?: string },
  signal?: AbortSignal,
): StorageError {
  if (error instanceof StorageError) return error;
  const failure = toS3Failure(error);
  const kind = signal?.aborted === true ? 'aborted' : kindOf(failure);
  // What to do about it depends on that it is a refusal, which not every code tells.
  const why = kind === 'denied' ? `denied: ${failure.message}` : failure.message;
  return new StorageError(kind, where, why, failure);
}

/** The failure behind a storage error of this adapter. */
export function failureOf(error: unknown): S3Failure | undefined {
  return error instanceof StorageError && error.cause instanceof S3Failure ? error.cause : undefined;
}

export function isBucketMissing(error: unknown): boolean {
  return failureOf(error)?.code === 'NoSuchBucket';
}

function kindOf({ code, status }: S3Failure): StorageErrorKind {
  const kind = KINDS[code];
  if (kind !== undefined) return kind;
  if (status === 0) return 'unavailable';
  if (status === 401 || status === 403) return 'denied';
  if (status === 404) return 'not-found';
  if (status === 408) return 'timeout';
  if (status === 412) return 'precondition-failed';
  if (status === 429 || status === 503) return 'throttled';
  if (status === 507) return 'full';
  if (status >= 500 && status !== 501) return 'unavailable';
  return 'unsupported';
}

interface SdkError {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly Code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  /** Of an answer whose XML could not be read. */
  readonly $response?: { readonly statusCode?: number };
  readonly errors?: readonly unknown[];
}

function toS3Failure(error: unknown): S3Failure {
  if (error instanceof S3Failure) return error;
  const { name, code, Code, message, $metadata, $response, errors } = (error ?? {}) as SdkError;
  // Several addresses of one host were tried: the first tells as much as all of them.
  if (errors !== undefined && errors.length > 0 && $metadata === undefined) return toS3Failure(errors[0]);
  const status = $metadata?.httpStatusCode ?? $response?.statusCode ?? 0;
  if (status >= 200 && status < 300)
    return new S3Failure('UnexpectedAnswer', status, 'it cannot be read', $metadata?.requestId);
  const said = [Code, code, name].find((text) => typeof text === 'string' && text in KINDS) ?? Code ?? code ?? name;
  const words =
    typeof message === 'string' && message !== 'UnknownError'
      ? message.replace(/\n {2}Deserialization error:[^]*$/, '')
      : '';
  const shown = typeof said === 'string' ? said : 'unknown failure';
  return new S3Failure(shown, status, words, $metadata?.requestId);
}
