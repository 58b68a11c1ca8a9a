import { StorageError } from '../../ports/storage.ts';
import { failureOf } from './errors.ts';
import type { ObjectAt } from './key-space.ts';
import type { S3Connection } from './s3-connection.ts';
import type { S3Settings } from './s3-settings.ts';
import { EMPTY_SHA256 } from './signing.ts';

/** What a server does that speaks S3, beyond what all of them do (docs/stores.md, "Servers"). */
export interface ServerFacts {
  /** `If-None-Match: *` of a PUT is enforced. */
  readonly createsConditionally: boolean;
  /** `If-Match` of a PUT is enforced. */
  readonly replacesConditionally: boolean;
  /** The same two headers of CompleteMultipartUpload are enforced. */
  readonly completesConditionally: boolean;
  /** A payload that is not what its signed sha256 says is refused. */
  readonly checksPayload: boolean;
}

const AMAZON: ServerFacts = {
  createsConditionally: true,
  replacesConditionally: true,
  completesConditionally: true,
  checksPayload: true,
};

/** Before the first write nothing is promised. */
export const UNKNOWN_SERVER: ServerFacts = {
  createsConditionally: false,
  replacesConditionally: false,
  completesConditionally: false,
  checksPayload: false,
};

/** What is known of a server without asking it. */
export function knownFacts(settings: S3Settings): ServerFacts | undefined {
  if (settings.endpointUrl === undefined) return AMAZON;
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(settings.endpointUrl).hostname) ? AMAZON : undefined;
}

/** sha256 of something else than is sent. */
const OTHER_SHA256 = '0'.repeat(64);
/** No object has it. */
const OTHER_ETAG = '0'.repeat(32);

/**
 * Asks a server by three writes that a careful one refuses, to an empty object made for it: it is there already, it has
 * another ETag, its payload has another hash. The object goes again.
 */
export async function probeServer(connection: S3Connection, probe: ObjectAt): Promise<ServerFacts> {
  const options = { key: probe.key, retried: true };
  const isRefused = async (condition: Readonly<Record<string, string>>, payload: string): Promise<boolean> => {
    // RGW compares the hash of a payload only where there is one.
    const body = new Uint8Array(payload === OTHER_SHA256 ? 1 : 0);
    try {
      const request = { method: 'PUT' as const, fullKey: probe.fullKey, headers: condition, body, payload };
      await connection.request(request, options);
      return false;
    } catch (error) {
      const status = failureOf(error)?.status ?? 0;
      if (status === 412 || (payload === OTHER_SHA256 && (error as StorageError).kind === 'corrupt')) return true;
      // So answers a server that does not know the header; one that timed out, or whose credentials ended, may say 400 as well.
      const { kind } = error as StorageError;
      if (status === 405 || status === 501 || (status === 400 && kind === 'unsupported')) return false;
      throw error;
    }
  };
  const isAbsent = { 'if-none-match': '*' };
  try {
    // The first one makes the object.
    await isRefused(isAbsent, EMPTY_SHA256);
    const [createsConditionally, replacesConditionally, checksPayload] = await Promise.all([
      isRefused(isAbsent, EMPTY_SHA256),
      isRefused({ 'if-match': OTHER_ETAG }, EMPTY_SHA256),
      isRefused({}, OTHER_SHA256),
    ]);
    return { createsConditionally, replacesConditionally, completesConditionally: false, checksPayload };
  } finally {
    await connection.request({ method: 'DELETE', fullKey: probe.fullKey }, options).catch(() => undefined);
  }
}
