/** A request that is not done, as its client is told. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  /** In kebab-case, for programs (docs/server.md, "Errors"). */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}
