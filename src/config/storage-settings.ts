import type { S3Credentials, StorageSettings } from './configuration.ts';
import { problemOutsideFiles } from './problem.ts';
import type { ConfigurationProblem } from './problem.ts';
import { makeSftpSettings, makeWebdavSettings } from './remote-settings.ts';
import { isAmazon, parseEndpoint } from './s3-location.ts';
import type { S3Location } from './s3-location.ts';
import type { CredentialsInput, StorageInput } from './schema.ts';
import { readVariable, resolvePath } from './surroundings.ts';
import type { Surroundings } from './surroundings.ts';

/**
 * Above it an object goes up in parts, which a later run can go on with; below it one PUT is faster, and its bytes are held
 * in memory: with 16 transfers, all of this size, a quarter of a gibibyte.
 */
const MULTIPART_THRESHOLD_DEFAULT = 16 * 1024 * 1024;
/**
 * Parts are filled in memory, five for each object under way: of 16 MiB they took a quarter longer on a machine shared with an RGW, of
 * 5 MiB as long, in more requests. 10,000 parts, S3's limit, of this size hold 78 GiB; the adapter takes larger parts for larger objects.
 */
const PART_BYTES_DEFAULT = 8 * 1024 * 1024;

/** What the settings of a store depend on besides its own section. */
export interface StorageContext extends Surroundings {
  /** Where relative paths start: the directory of the configuration file. */
  readonly base: string;
  readonly profileName: string;
}

export function makeStorageSettings(
  input: StorageInput,
  credentials: CredentialsInput | undefined,
  context: StorageContext,
): StorageSettings {
  switch (input.type) {
    case 'file':
      return { type: 'file', basePath: resolvePath(input.options.base_path, context.base, context.home) };
    case 'webdav':
      return makeWebdavSettings(input.options);
    case 'sftp':
      return makeSftpSettings(input.options, context);
    case 'memory':
      return { type: 'memory', name: input.options?.base_path ?? context.profileName };
    case 's3': {
      const { options } = input;
      const s3 = makeS3Settings(options.base_path, makeCredentials(credentials), context, {
        endpointUrl: options.endpoint_url,
        region: options.region ?? options.region_name,
      });
      return {
        ...s3,
        pathStyle: options.path_style ?? s3.pathStyle,
        multipartThreshold: options.multipart_threshold ?? s3.multipartThreshold,
        partBytes: options.part_size ?? s3.partBytes,
      };
    }
  }
}

/** A place in S3 with everything that was not said taken from the environment, as the AWS tools do, or from the defaults. */
export function makeS3Settings(
  { bucket, prefix }: S3Location,
  credentials: S3Credentials,
  surroundings: Surroundings,
  said: { readonly endpointUrl?: string | undefined; readonly region?: string | undefined } = {},
): StorageSettings & { type: 's3' } {
  const endpointUrl = said.endpointUrl ?? endpointOfEnvironment(surroundings);
  const region =
    said.region ?? readVariable(surroundings, 'AWS_REGION') ?? readVariable(surroundings, 'AWS_DEFAULT_REGION');
  return {
    type: 's3',
    bucket,
    prefix,
    region: region ?? 'us-east-1',
    endpointUrl,
    // Most servers other than Amazon's have no DNS name per bucket.
    pathStyle: !isAmazon(endpointUrl),
    credentials,
    multipartThreshold: MULTIPART_THRESHOLD_DEFAULT,
    partBytes: PART_BYTES_DEFAULT,
  };
}

function makeCredentials(input: CredentialsInput | undefined): S3Credentials {
  if (input?.type !== 'S3Credentials') return { kind: 'chain', profile: input?.options.profile };
  const { access_key: accessKey, secret_key: secretKey, session_token: sessionToken } = input.options;
  return { kind: 'static', accessKey, secretKey, sessionToken };
}

/** A broken endpoint in the environment, where a store in S3 relies on it: Amazon must not be asked in its place. */
export function findEndpointProblems(
  stores: ReadonlyMap<string, { readonly storage: StorageSettings | undefined }>,
  surroundings: Surroundings,
): ConfigurationProblem[] {
  const said = readEndpoint(surroundings);
  const parsed = said === undefined ? undefined : parseEndpoint(said.url);
  const isUsed = [...stores.values()].some(
    ({ storage }) => storage?.type === 's3' && storage.endpointUrl === undefined,
  );
  if (said === undefined || parsed === undefined || 'value' in parsed || !isUsed) return [];
  const message = `${said.name} is not an endpoint: ${parsed.problem}`;
  return [problemOutsideFiles(said.name, message, 'write it like https://s3.example.com, or unset it')];
}

function endpointOfEnvironment(surroundings: Surroundings): string | undefined {
  const said = readEndpoint(surroundings);
  const parsed = said === undefined ? undefined : parseEndpoint(said.url);
  return parsed !== undefined && 'value' in parsed ? parsed.value : undefined;
}

/** The variables that the AWS tools read, the more specific first. */
function readEndpoint(surroundings: Surroundings): { readonly name: string; readonly url: string } | undefined {
  if (surroundings.environment['AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'] === 'true') return undefined;
  for (const name of ['AWS_ENDPOINT_URL_S3', 'AWS_ENDPOINT_URL']) {
    const url = readVariable(surroundings, name);
    if (url !== undefined) return { name, url };
  }
  return undefined;
}
