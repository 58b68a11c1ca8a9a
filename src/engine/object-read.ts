import type { ObjectContent } from '../domain/object/version.ts';
import type { ReadPlan } from '../domain/replica/candidates.ts';
import type { ByteRange, ByteSpan } from '../domain/transfer/byte-range.ts';
import type { Body } from '../ports/storage.ts';
import type { Locate } from './locate-object.ts';
import { type Attempt, noSourceServed, type ObjectError } from './object-error.ts';
import type { VersionRead } from './version-read.ts';
import type { SourcesPorts } from './version-sources.ts';

export type ReadPorts = SourcesPorts;

export interface ReadArguments extends Locate {
  readonly range?: ByteRange | undefined;
  /** Places of stores that are not asked. */
  readonly except?: readonly string[] | undefined;
  /** False: stores found without the object are not filled. */
  readonly backfill?: boolean | undefined;
  /** Bodies up to this size are verified whole before their first byte is given; by default `BUFFERED_BYTES_MAX`. */
  readonly bufferedBytesMax?: number | undefined;
}

/**
 * An object's bytes on their way, and what they are. The body is consumed once or the read disposed; a stream may still fail,
 * and then nothing it gave is to be trusted. Chunks are the reader's until it asks for the next.
 */
export interface ObjectRead extends Disposable {
  /** The version's operation id; undefined for bytes without a mark that a caller who takes anything got. */
  readonly version: string | undefined;
  readonly content: ObjectContent;
  readonly span: ByteSpan;
  readonly body: Body;
  /** Name of the store that serves, or serves first. */
  readonly servedBy: string;
  /** Nobody could say whether this is the current version: it is intact, by its own mark or length, and may be old. */
  readonly isUnvalidated: boolean;
  /** The choice of sources and its reasons; undefined where the catalog had nothing to choose by. */
  readonly plan: ReadPlan | undefined;
}

/** Up to this size a body is verified as a whole before its first byte is given: a corrupt copy costs a second request, not an error. */
export const BUFFERED_BYTES_MAX = 8 * 1024 * 1024;

/** Small bodies whole and verified, large ones as they come. */
export async function openBody(
  reading: VersionRead,
  { start, end }: ByteSpan,
  { bufferedBytesMax = BUFFERED_BYTES_MAX }: Pick<ReadArguments, 'bufferedBytesMax'>,
): Promise<Body | undefined> {
  if (end - start <= bufferedBytesMax) return reading.bytes();
  return (await reading.open()) ? reading.chunks() : undefined;
}

/** The error of a read that had several goes at it, naming every store once. */
export function mergeAttempts(args: Locate, attempts: readonly Attempt[]): ObjectError {
  const last = new Map(attempts.map((attempt) => [attempt.store, attempt]));
  return noSourceServed({ scope: args.scope.name, name: args.name }, [...last.values()]);
}
