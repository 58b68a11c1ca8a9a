import type * as Sdk from '@aws-sdk/client-s3';
import { noCredentials } from './errors.ts';
import type { S3Settings, S3Timeouts } from './s3-settings.ts';
import type { SigningCredentials } from './signing.ts';

/**
 * The SDK, for credentials somebody else gives. Loaded with its first use: who has a key needs none of it, and would wait for it as long
 * as for a thousand requests.
 */
export class LazySdk {
  readonly #settings: S3Settings;
  readonly #timeouts: S3Timeouts;
  #opened: Promise<Sdk.S3Client> | undefined;

  constructor(settings: S3Settings, timeouts: S3Timeouts) {
    this.#settings = settings;
    this.#timeouts = timeouts;
  }

  async credentials(): Promise<SigningCredentials> {
    const { credentials } = this.#settings;
    if (credentials.kind === 'static') return staticCredentials(credentials);
    this.#opened ??= this.#load();
    return (await this.#opened).config.credentials();
  }

  /** The SDK does not tell whose credentials it did not find. */
  nameCredentials(error: unknown): unknown {
    const { credentials } = this.#settings;
    if (credentials.kind === 'static' || !(error instanceof Error) || error.name !== 'CredentialsProviderError')
      return error;
    return noCredentials(credentials.profile ?? process.env['AWS_PROFILE']);
  }

  close(): void {
    this.#opened?.then((client) => client.destroy()).catch(() => undefined);
  }

  async #load(): Promise<Sdk.S3Client> {
    const [sdk, { NodeHttpHandler }] = await Promise.all([
      import('@aws-sdk/client-s3'),
      import('@smithy/node-http-handler'),
    ]);
    const { region, endpointUrl, pathStyle, credentials } = this.#settings;
    return new sdk.S3Client({
      region,
      ...(endpointUrl === undefined ? {} : { endpoint: endpointUrl }),
      forcePathStyle: pathStyle,
      ...(credentials.kind === 'static' ? { credentials: staticCredentials(credentials) } : profileOf(credentials)),
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: this.#timeouts.connectMs,
        requestTimeout: this.#timeouts.requestMs,
        throwOnRequestTimeout: true,
        // Also in the middle of an answer.
        socketTimeout: Math.max(this.#timeouts.requestMs, this.#timeouts.idleMs),
      }),
    });
  }
}

type Credentials<Kind> = Extract<S3Settings['credentials'], { readonly kind: Kind }>;

function staticCredentials({ accessKey, secretKey, sessionToken }: Credentials<'static'>) {
  const session = sessionToken === undefined ? {} : { sessionToken };
  return { accessKeyId: accessKey, secretAccessKey: secretKey, ...session };
}

/** Nothing given is the SDK's own chain. */
function profileOf({ profile }: Credentials<'chain'>) {
  return profile === undefined ? {} : { profile };
}
