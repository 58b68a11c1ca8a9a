import { findKeyProblem } from '../domain/object/key.ts';
import { formatObjectName, type ObjectName } from '../domain/object/object-name.ts';
import { isOperationExpired, parseOperationId } from '../domain/object/operation-id.ts';
import type { ObjectContent } from '../domain/object/version.ts';
import type { Verification } from '../domain/store/verification.ts';
import type { Catalog, Intent, ObjectRecord } from '../ports/catalog.ts';
import { type Attributes, type Body, type Head, type Published, type Staged, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import type { Condition } from './condition.ts';
import { HashingBody } from './hashing-body.ts';
import { makeContent } from './object-content.ts';
import { ObjectError, toObjectError } from './object-error.ts';
import { lockObject, type LockPorts } from './object-lock.ts';
import { findOther, headOrMissing, observeSource, type ObservePorts } from './observe-object.ts';
import type { OpenedScope } from './opened-scope.ts';
import { fingerprintOf, recordWrite } from './record-write.ts';
import { takeBack } from './take-back.ts';
import { settleIntent } from './settle-intent.ts';

export type WritePorts = ObservePorts &
  LockPorts & { readonly catalog: Pick<Catalog, 'readOperation' | 'listObstacles'> };

export interface WriteArguments {
  readonly scope: OpenedScope;
  readonly name: string;
  readonly body: Body;
  readonly attributes?: Attributes | undefined;
  /** Keep it in the version, too. */
  readonly md5?: boolean | undefined;
  /** In bytes, where the caller knows it. */
  readonly size?: number | undefined;
  /** Only if there is no such object. */
  readonly ifAbsent?: boolean | undefined;
  /** Only if this is the current version (its operation id). */
  readonly ifVersion?: string | undefined;
  /** Only if it says nothing of the object as it is now; otherwise what it says is why not. */
  readonly onlyIf?: Condition | undefined;
  /** The caller's own id: asked again with it, the write happens once. */
  readonly operation?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteResult {
  /** The version's operation id. */
  readonly version: string;
  readonly size: number;
  readonly sha256: string;
  /** Where it was asked for. */
  readonly md5?: string | undefined;
  /** How well the copy at the source is known to be right; undefined for a repeat, which looked at nothing. */
  readonly verification: Verification | undefined;
  /** The operation had been carried out before. */
  readonly isRepeat: boolean;
  /** Copies at replicas that were asked for with it; `flush` waits for them. */
  readonly queuedCopies: number;
}

/** Somebody else changes the object each time we are about to. */
const ROUNDS_MAX = 5;

/**
 * Writes an object at the source and makes it a new version (docs/reading.md, "Writing"):
 *
 *     stage, hashing ── flush ── intent ── publish, if the store still holds what was seen ── record ── reply
 *
 * From the record on no older replica is served, and requests refresh them. A crash before it leaves the intent, by which the
 * next process sees how far it got. Fails with `ObjectError`.
 */
export async function writeObject(ports: WritePorts, args: WriteArguments): Promise<WriteResult> {
  const object = { scope: args.scope.name, name: args.name };
  const problem = findKeyProblem(args.name);
  if (problem !== undefined) throw new ObjectError('invalid-name', object, `the name is refused: ${problem}`);
  checkOpen(args);
  const operation =
    args.operation === undefined ? ports.operations.next() : checkOperation(ports, object, args.operation);
  const body = new HashingBody(args.body, { md5: args.md5 });

  if (args.operation !== undefined) {
    const repeated = await findRepeat(ports, args, operation, body);
    if (repeated !== undefined) return repeated;
  }
  try {
    checkCatalog(args, await ports.catalog.readObject(object.scope, object.name), { isObserved: false });
    await checkCollections(ports, object);
    return await stageAndPublish(ports, args, operation, body);
  } catch (error) {
    throw body.failure ?? toObjectError(object, error);
  }
}

function checkOpen({ scope: { name: scope, source, availability }, name }: WriteArguments): void {
  const why = availability?.whyNot(source.place, 'write', name);
  if (why !== undefined) throw new ObjectError('unavailable', { scope, name }, `${source.name}: ${why}`);
}

function checkOperation({ clock }: WritePorts, object: ObjectName, text: string): string {
  const operation = parseOperationId(text);
  if (operation === undefined) throw new ObjectError('refused', object, `operation id is not a UUIDv7: ${text}`);
  if (isOperationExpired(operation, clock.nowMs()))
    throw new ObjectError('refused', object, `operation ${operation} is expired: its outcome is not kept any more`);
  return operation;
}

/** What an earlier request with this id did; the body is read to see that it asked for the same. */
async function findRepeat(
  { catalog }: WritePorts,
  args: WriteArguments,
  operation: string,
  body: HashingBody,
): Promise<WriteResult | undefined> {
  const known = await catalog.readOperation(operation);
  if (known === undefined) return undefined;
  await body.drain();
  const object = { scope: args.scope.name, name: args.name };
  if (known.fingerprint !== fingerprintOf({ ...object, content: contentFrom(args, body) }))
    throw new ObjectError('refused', object, `operation ${operation} was used for something else`);
  return repeatOf(operation, body);
}

function repeatOf(version: string, { size, sha256, md5 }: HashingBody): WriteResult {
  return { version, size, sha256, md5, verification: undefined, isRepeat: true, queuedCopies: 0 };
}

async function stageAndPublish(
  ports: WritePorts,
  args: WriteArguments,
  operation: string,
  body: HashingBody,
): Promise<WriteResult> {
  const { name, attributes = {}, size, signal } = args;
  const { source } = args.scope;
  const sha256 = body.body instanceof Uint8Array ? body.sha256 : undefined;
  const staged = await source.stage(name, body.body, {
    attributes,
    mark: { operation, sha256 },
    ...(size === undefined ? {} : { size }),
    ...(signal === undefined ? {} : { signal }),
  });
  let isOurs = true;
  try {
    await source.flush([staged]);
    // The body may have been long in coming.
    await args.scope.availability?.hear?.();
    checkOpen(args);
    const locked = await lockAndCheck(ports, args, operation, body);
    if (locked === 'repeat') return repeatOf(operation, body);
    isOurs = false;
    return await publish(ports, args, staged, body, locked);
  } finally {
    if (isOurs) await source.discard([staged]).catch(() => undefined);
  }
}

interface Locked {
  readonly intent: Intent;
  readonly row: ObjectRecord | undefined;
  /** What the source holds. */
  readonly head: Head | undefined;
}

/** Takes the object's write lock on what the catalog and the source say now. */
async function lockAndCheck(
  ports: WritePorts,
  args: WriteArguments,
  operation: string,
  body: HashingBody,
): Promise<Locked | 'repeat'> {
  const { scope, name, signal } = args;
  const { catalog, clock, processes } = ports;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const { row, head } = await lookAtSource(ports, args);
    const intent: Intent = {
      operation,
      scope: scope.name,
      name,
      store: scope.source.place,
      key: name,
      oldToken: head?.token,
      follows: row?.current.id,
      content: contentFrom(args, body),
      holder: processes.self,
      createdMs: clock.nowMs(),
    };
    await lockObject(ports, scope, intent, signal);
    const now = await catalog.readObject(scope.name, name);
    if (now?.current.id === row?.current.id) {
      await checkCollections(ports, intent).catch(async (error: unknown) => {
        await catalog.removeIntent(operation);
        throw error;
      });
      return { intent, row: now, head };
    }
    await catalog.removeIntent(operation);
    if (args.operation !== undefined && (await catalog.readOperation(operation)) !== undefined) return 'repeat';
  }
  const why = `it was written ${ROUNDS_MAX} times by others while this write was waiting`;
  throw new ObjectError('unavailable', { scope: scope.name, name }, why);
}

/** The object as catalog and source have it. Conditions are checked on both; for them, foreign bytes are observed first. */
async function lookAtSource(ports: WritePorts, args: WriteArguments): Promise<Pick<Locked, 'row' | 'head'>> {
  const { scope, name, signal } = args;
  const question = { storage: scope.source, key: name, deadlineMs: scope.deadlineMs, signal };
  let row = await ports.catalog.readObject(scope.name, name);
  if (isConditional(args)) row = (await observeSource(ports, { scope, name, row, signal })) ?? row;
  checkCatalog(args, row, { isObserved: true });
  const head = await headOrMissing(() =>
    askStore(ports, question, (aborted) => scope.source.head(name, { signal: aborted })),
  );
  const other = head === undefined ? undefined : await findOther(ports, args);
  if (other !== undefined) {
    const what =
      other.object === undefined ? `a file of the store ${other.store}` : `a copy of ${formatObjectName(other.object)}`;
    const why = `at the source its name is the place of ${what}, which it would overwrite; choose another name`;
    throw new ObjectError('refused', { scope: scope.name, name }, why);
  }
  return { row, head };
}

/** The caller's conditions, as far as the catalog can tell. */
function checkCatalog(
  { scope, name, ifAbsent, ifVersion, onlyIf }: WriteArguments,
  row: ObjectRecord | undefined,
  { isObserved }: { readonly isObserved: boolean },
): void {
  const object = { scope: scope.name, name };
  // What the catalog does not know the source may have.
  const why = row === undefined && !isObserved ? undefined : onlyIf?.(row);
  if (why !== undefined) throw new ObjectError('condition', object, why);
  const exists = row !== undefined && row.current.content.kind !== 'tombstone';
  if (ifAbsent === true && exists) throw new ObjectError('condition', object, 'it exists');
  if (ifVersion === undefined || row?.current.operation === ifVersion) return;
  if (row !== undefined)
    throw new ObjectError('condition', object, `its version is ${row.current.operation}, not ${ifVersion}`);
}

/**
 * Collections that are in the way (docs/collections.md, "Overwriting"). Once published, the source has the new bytes and the old
 * ones are gone: so they are asked before, under the object's write lock, and a dataset that is closed after that is told of a
 * change that had begun.
 */
async function checkCollections({ catalog }: WritePorts, { scope, name }: ObjectName): Promise<void> {
  const [first, ...others] = await catalog.listObstacles({ scope, name });
  if (first === undefined) return;
  const more = others.map(({ message }) => `; ${message}`).join('');
  throw new ObjectError('refused', { scope, name }, `it is not overwritten: ${first.message}${more}; ${first.remedy}`);
}

async function publish(
  ports: WritePorts,
  args: WriteArguments,
  staged: Staged,
  body: HashingBody,
  { intent, row, head }: Locked,
): Promise<WriteResult> {
  const { source } = args.scope;
  const condition = head === undefined ? { ifAbsent: true } : { ifToken: head.token };
  const mark = { operation: intent.operation, sha256: body.sha256 };
  const [outcome] = await source.publish([{ staged, options: { ...condition, mark } }]);
  if (outcome === undefined || outcome instanceof StorageError) return settleFailed(ports, args, intent, body, outcome);
  await recordPublished(ports, args, intent, row, outcome);
  return {
    version: intent.operation,
    size: body.size,
    sha256: body.sha256,
    md5: body.md5,
    verification: outcome.verification,
    isRepeat: false,
    queuedCopies: args.scope.replicas.length,
  };
}

/**
 * The record follows what is current by then: where a delete came between, the write is the later one. A conditional write
 * is not: its condition was about what is gone now, so it takes away what it published.
 */
async function recordPublished(
  ports: WritePorts,
  args: WriteArguments,
  intent: Intent,
  row: ObjectRecord | undefined,
  published: Published,
): Promise<void> {
  const { catalog, clock } = ports;
  let before = row;
  for (let round = 1; round <= ROUNDS_MAX; round++) {
    const write = { intent, published, follows: before?.current.id, row: before, nowMs: clock.nowMs() };
    const outcome = await recordWrite(catalog, args.scope, write);
    if (outcome.kind !== 'conflict') return;
    if (isConditional(args)) {
      const { key, operation } = intent;
      await takeBack(args.scope.source, { key, token: published.token, operation });
      await catalog.removeIntent(intent.operation);
      throw new ObjectError('condition', intent, 'it was changed while it was being written');
    }
    before = await catalog.readObject(intent.scope, intent.name);
  }
  const why = `operation ${intent.operation} was published, and could not be recorded`;
  throw new ObjectError('outcome-unknown', intent, why);
}

function isConditional({ ifAbsent, ifVersion, onlyIf }: WriteArguments): boolean {
  return ifAbsent === true || ifVersion !== undefined || onlyIf !== undefined;
}

/** Failures after which a store may have published all the same. */
const AMBIGUOUS = new Set(['unavailable', 'timeout', 'throttled', 'aborted']);

async function settleFailed(
  ports: WritePorts,
  { scope, operation }: WriteArguments,
  intent: Intent,
  body: HashingBody,
  error: StorageError | undefined,
): Promise<WriteResult> {
  // Of two requests with one id the store lets one pass: the other finds its own mark there.
  const isTwin = error?.kind === 'precondition-failed' && operation !== undefined;
  if (error !== undefined && !AMBIGUOUS.has(error.kind) && !isTwin) {
    await ports.catalog.removeIntent(intent.operation);
    if (error.kind === 'blocked') throw blockedAtSource(intent, error);
    throw error.kind === 'precondition-failed' ? changedByOthers(intent, error) : error;
  }
  const settled = await settleIntent(ports, scope, intent);
  if (settled.kind === 'carried-forward')
    return {
      version: intent.operation,
      size: body.size,
      sha256: body.sha256,
      verification: 'written',
      isRepeat: isTwin,
      queuedCopies: scope.replicas.length,
    };
  if (settled.kind === 'forgotten' && error !== undefined) throw isTwin ? changedByOthers(intent, error) : error;
  const why = `operation ${intent.operation} was neither confirmed nor denied by the source; it will be settled when the source answers`;
  throw new ObjectError('outcome-unknown', intent, why, { cause: error });
}

function changedByOthers(intent: Intent, cause: StorageError): ObjectError {
  return new ObjectError('changed', intent, 'others changed it at the source while it was being written', { cause });
}

function blockedAtSource(intent: Intent, cause: StorageError): ObjectError {
  const why = cause.message.replace(`${cause.store}: ${cause.key}: `, '');
  return new ObjectError('refused', intent, `${why}; take that away first, or choose another name`, { cause });
}

function contentFrom({ attributes = {} }: WriteArguments, { size, sha256, md5 }: HashingBody): ObjectContent {
  return makeContent({ size, sha256, md5, attributes });
}
