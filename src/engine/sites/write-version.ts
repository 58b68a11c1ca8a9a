import { findKeyProblem } from '../../domain/object/key.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { Catalog, ChangeOutcome, ObjectRecord } from '../../ports/catalog.ts';
import type { AmongOutcome } from '../../ports/conflicts.ts';
import type { Attributes, Body } from '../../ports/storage.ts';
import type { Condition } from '../condition.ts';
import { ObjectError, toObjectError } from '../object-error.ts';
import type { OperationIds } from '../operation-ids.ts';
import { operationOf } from '../record-write.ts';
import { discardKept } from './discard-kept.ts';
import { holdKept } from './hold-kept.ts';
import { findRepeat } from './find-repeat.ts';
import type { Clock } from '../../ports/clock.ts';
import type { KeptVersion, SiteStore } from './site-store.ts';
import { seeAmong, type UnderPolicy } from './write-among.ts';

export interface WriteVersionPorts {
  readonly catalog: Pick<
    Catalog,
    | 'readObject'
    | 'record'
    | 'readConflict'
    | 'recordAmong'
    | 'readOperation'
    | 'findVersion'
    | 'readContents'
    | 'readMarks'
    | 'readPlaces'
  >;
  readonly clock: Clock;
  readonly operations: OperationIds;
}

export interface WriteVersion {
  /** A scope that has no source. */
  readonly scope: string;
  readonly name: string;
  readonly store: SiteStore;
  readonly body: Body;
  readonly attributes?: Attributes | undefined;
  readonly size?: number | undefined;
  /** Keep it in the version, too. */
  readonly md5?: boolean | undefined;
  /** Only if there is no such object. */
  readonly ifAbsent?: boolean | undefined;
  /** Only if this is the current version (its operation id). */
  readonly ifVersion?: string | undefined;
  /** Only if it says nothing of the object as it is now; otherwise what it says is why not. */
  readonly onlyIf?: Condition | undefined;
  /** What to do where versions are kept beside each other; absent: all of them are followed. */
  readonly under?: UnderPolicy | undefined;
  /** A UUIDv7. Used before for the same: nothing is written again. */
  readonly operation?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface VersionWritten {
  readonly version: string;
  readonly content: ObjectContent;
  /** Made by this call, and not before, by whomever. */
  readonly isNew: boolean;
}

/** Others change the object each time we are about to. */
const ROUNDS_MAX = 10;

/**
 * Writes an object into the site's own store: the bytes durable at a place of their own, then one transaction {version, copy, journal entry,
 * what is queued for peers, outcome}, then the answer. Nothing is written over, so there is nothing to recover: a crash leaves bytes that
 * nobody counts. Conditions hold at the moment of the record. Fails with `ObjectError`.
 */
export async function writeVersion(ports: WriteVersionPorts, args: WriteVersion): Promise<VersionWritten> {
  const { scope, name, store, body, attributes, size, md5, signal } = args;
  const object = { scope, name };
  const problem = findKeyProblem(name);
  if (problem !== undefined) throw new ObjectError('invalid-name', object, `the name is refused: ${problem}`);
  const operation = args.operation ?? ports.operations.next();
  await using _ = holdKept({ catalog: ports.catalog, store }, [operation]);
  let kept: KeptVersion | undefined;
  try {
    if (args.operation !== undefined) {
      const repeated = await findRepeat(ports.catalog, { operation, object, body, attributes: attributes ?? {} });
      if (repeated !== undefined) return { version: operation, content: repeated, isNew: false };
    }
    const isConditional = args.ifAbsent === true || args.ifVersion !== undefined || args.onlyIf !== undefined;
    const before = isConditional ? await ports.catalog.readObject(scope, name) : undefined;
    if (isConditional) await checkConditions(ports.catalog, { ...args, operation }, before);
    kept = await store.keep(operation, body, { attributes, size, md5, signal });
    return await record(ports, args, { operation, kept, before, isConditional });
  } catch (error) {
    // Where nobody knows whether it was recorded the bytes stay.
    if (kept !== undefined && error instanceof ObjectError) await store.discard(kept).catch(() => undefined);
    throw toObjectError(object, error);
  }
}

interface Recording {
  readonly operation: string;
  readonly kept: KeptVersion;
  /** The object as it was seen; not looked at where the write has no condition. */
  readonly before: ObjectRecord | undefined;
  readonly isConditional: boolean;
}

async function record(
  { catalog, clock }: WriteVersionPorts,
  args: WriteVersion,
  { operation, kept, before: seen, isConditional }: Recording,
): Promise<VersionWritten> {
  const { scope, name, store } = args;
  const { content, copy } = kept;
  let before = seen;
  let isOverCurrent = !isConditional;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const one = { operation, content, copy, isConditional, isOverCurrent, nowMs: clock.nowMs() };
    const outcome = await recordOnce(catalog, args, one, before);
    switch (outcome?.kind) {
      case 'recorded':
        return { version: operation, content, isNew: true };
      case 'repeated': {
        // Made before, or somebody wrote the very same a moment ago: then these bytes may be a second copy at this store.
        const [mark] = await catalog.readMarks([outcome.versionId]);
        const version = mark?.operation ?? operation;
        if (version !== operation) await discardKept({ catalog, store }, [kept]);
        const [is] = await catalog.readContents([outcome.versionId]);
        return { version, content: is?.kind === 'object' ? is : content, isNew: false };
      }
      case 'refused': {
        const [first] = outcome.problems;
        throw new ObjectError('refused', { scope, name }, `it is not overwritten: ${first?.message}; ${first?.remedy}`);
      }
      case 'conflict':
      case 'changed':
      case undefined:
        // Versions lie beside each other: which of them it follows is decided with all of them in sight.
        isOverCurrent = false;
        before = await catalog.readObject(scope, name);
        await checkConditions(catalog, { ...args, operation }, before);
    }
  }
  const why = `it was written ${ROUNDS_MAX} times by others while this write was waiting`;
  throw new ObjectError('unavailable', { scope, name }, why);
}

interface OneRecord {
  readonly operation: string;
  readonly content: ObjectContent;
  readonly copy: KeptVersion['copy'];
  readonly isConditional: boolean;
  readonly isOverCurrent: boolean;
  readonly nowMs: number;
}

/** Over what is there now; among versions that did not see each other as the policy of the scope says. */
async function recordOnce(
  catalog: WriteVersionPorts['catalog'],
  args: WriteVersion,
  { operation, content, copy, isConditional, isOverCurrent, nowMs }: OneRecord,
  before: ObjectRecord | undefined,
): Promise<ChangeOutcome | AmongOutcome | undefined> {
  const { scope, name, under } = args;
  const outcome = operationOf({ operation, scope, name, content }, nowMs);
  const among =
    under === undefined || before?.siblings === undefined ? undefined : await seeAmong(catalog, { scope, name }, under);
  if (among !== undefined) {
    // Judged after it was seen what is to be followed: what changes from here on is not followed.
    if (isConditional) await checkConditions(catalog, { ...args, operation }, await catalog.readObject(scope, name));
    return catalog.recordAmong({ scope, name, operation, content, copy, outcome, ...among });
  }
  const isAlone = under !== undefined && under.policy !== 'last-writer-wins';
  const asSeen = isOverCurrent ? { follows: undefined, isOverCurrent } : { follows: before?.current.id };
  const change = { scope, name, ...asSeen, content, operation, isConditional, isAlone };
  const { changes } = await catalog.record({
    changes: [{ ...change, heedsCollections: true, replicas: [copy] }],
    operation: outcome,
  });
  return changes[0];
}

function isThere({ current }: ObjectRecord): boolean {
  return current.content.kind === 'object';
}

/** What fails them may be this very write, carried out before or brought by a peer meanwhile: then they held. */
async function checkConditions(
  catalog: Pick<Catalog, 'findVersion'>,
  args: WriteVersion & { readonly operation: string },
  row: ObjectRecord | undefined,
): Promise<void> {
  const { scope, name, operation } = args;
  const why = whyNot(args, row);
  if (why === undefined || (await catalog.findVersion({ scope, name }, operation)) !== undefined) return;
  throw new ObjectError('condition', { scope, name }, why);
}

function whyNot({ ifAbsent, ifVersion, onlyIf }: WriteVersion, row: ObjectRecord | undefined): string | undefined {
  if (ifAbsent === true && row !== undefined && isThere(row)) return 'it exists';
  const why = onlyIf?.(row);
  if (why !== undefined) return why;
  if (ifVersion === undefined || row?.current.operation === ifVersion) return undefined;
  const is = row === undefined || !isThere(row) ? 'it does not exist' : `its version is ${row.current.operation}`;
  return `${is}, not ${ifVersion}`;
}
