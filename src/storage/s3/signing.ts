import { createHmac, hash } from 'node:crypto';

/** sha256 of no bytes. */
export const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

export interface SigningCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface UnsignedRequest {
  readonly method: string;
  /** Percent-encoded, as it will be sent; no query. */
  readonly path: string;
  /** Names and values not encoded yet. */
  readonly query: Readonly<Record<string, string>>;
  /** Lower-case names; `host` among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lower-case hex sha256 of the body, or `UNSIGNED-PAYLOAD`. */
  readonly payload: string;
}

/**
 * Signs requests with AWS Signature Version 4 for one region. Written out here because the requests of small objects are
 * many, and the SDK's way to the same line takes several times as long as the request itself.
 */
export class Signer {
  readonly #region: string;
  #key: { readonly secret: string; readonly day: string; readonly bytes: Buffer } | undefined;

  constructor(region: string) {
    this.#region = region;
  }

  /** The headers to send: those given, and the ones that sign them. */
  sign(request: UnsignedRequest, credentials: SigningCredentials, nowMs: number): Record<string, string> {
    const stamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = stamp.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-amz-content-sha256': request.payload,
      'x-amz-date': stamp,
    };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const signed = Object.keys(headers).filter(isSigned).sort();
    const names = signed.join(';');
    const canonical = [
      request.method,
      request.path,
      formatQuery(request.query),
      ...signed.map((name) => `${name}:${(headers[name] as string).trim().replace(/ +/g, ' ')}`),
      '',
      names,
      request.payload,
    ].join('\n');
    const scope = `${day}/${this.#region}/s3/aws4_request`;
    const text = `AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${hash('sha256', canonical)}`;
    const signature = createHmac('sha256', this.#signingKey(credentials.secretAccessKey, day))
      .update(text)
      .digest('hex');
    headers['authorization'] =
      `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return headers;
  }

  /** The same for a day. */
  #signingKey(secret: string, day: string): Buffer {
    if (this.#key?.secret === secret && this.#key.day === day) return this.#key.bytes;
    let bytes = Buffer.from(`AWS4${secret}`, 'utf8');
    for (const part of [day, this.#region, 's3', 'aws4_request'])
      bytes = createHmac('sha256', bytes).update(part).digest();
    this.#key = { secret, day, bytes };
    return bytes;
  }
}

/** Proxies may change other headers on the way. */
function isSigned(name: string): boolean {
  return (
    name.startsWith('x-amz-') ||
    name === 'host' ||
    name === 'content-md5' ||
    name === 'content-type' ||
    name === 'range'
  );
}

/** As it is signed and sent: names in order, everything but unreserved characters encoded. */
export function formatQuery(query: Readonly<Record<string, string>>): string {
  return Object.keys(query)
    .sort()
    .map((name) => `${encodeStrictly(name)}=${encodeStrictly(query[name] as string)}`)
    .join('&');
}

/** A key as a path; its slashes stay. */
export function encodePath(key: string): string {
  return key.split('/').map(encodeStrictly).join('/');
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
