import { type ConflictPolicies, conflictPolicyOf } from '../../domain/journal/conflict-policy.ts';
import { type EntityTags, entityTagOf } from '../../domain/object/entity-tag.ts';
import { findKeyProblem } from '../../domain/object/key.ts';
import type { ObjectName } from '../../domain/object/object-name.ts';
import { isOperationExpired, parseOperationId } from '../../domain/object/operation-id.ts';
import type { ObjectContent } from '../../domain/object/version.ts';
import type { ByteRange } from '../../domain/transfer/byte-range.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Attributes, Body } from '../../ports/storage.ts';
import type { Condition } from '../condition.ts';
import { HashingBody } from '../hashing-body.ts';
import type { ObjectInfo } from '../inspect-object.ts';
import { makeContent } from '../object-content.ts';
import { ObjectError } from '../object-error.ts';
import type { ObjectRead } from '../object-read.ts';
import type { ObjectVerbs } from '../object-verbs.ts';
import { OperationError } from '../operation-error.ts';
import type { OperationIds } from '../operation-ids.ts';
import { fingerprintOf } from '../record-write.ts';
import { deleteOwn } from './delete-own.ts';
import { type DeleteDone, type DeleteServed, deleteAbsent, deleteServed, findDeleted } from './delete-served.ts';
import { type FoundLost, findLost } from './lost-versions.ts';
import { type ListServed, listServed, type ServedListing } from './list-served.ts';
import type { RoomLeft } from './room-left.ts';
import type { ServedScope, ServedScopes } from './served-scopes.ts';
import type { SiteStore } from './site-store.ts';
import type { UnderPolicy } from './write-among.ts';
import { writeVersion } from './write-version.ts';

export interface ServedPorts {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly operations: OperationIds;
  readonly objects: ObjectVerbs;
  readonly scopes: ServedScopes;
  readonly store: SiteStore;
  readonly conflicts: ConflictPolicies;
  /** Undefined: its disk is the limit. */
  readonly room: RoomLeft | undefined;
  /** Why nothing can be written to a scope until a peer has taken some of what waits for it. */
  readonly whyFull?: ((scope: string) => string | undefined) | undefined;
  /** Before it nothing is written. */
  readonly begun: Promise<void>;
}

export interface PutServed {
  readonly object: ObjectName;
  readonly body: Body;
  readonly attributes: Attributes;
  /** In bytes, where the client has announced it. */
  readonly size: number | undefined;
  readonly onlyIf: Condition | undefined;
  /** States of the object that the client has named (`If-Match`); undefined: none. */
  readonly named?: EntityTags | undefined;
  /** The client's own id: asked again with it, the write happens once. */
  readonly operation: string | undefined;
  readonly signal: AbortSignal;
}

export interface PutDone {
  readonly version: string;
  readonly entityTag: string | undefined;
  /** It had been done before. */
  readonly isRepeat: boolean;
  /** Certainly made by this call, and not before. */
  readonly isFresh: boolean;
}

/** Bytes of a body whose length nobody said, taken of the room at once. */
const ROOM_STEP_BYTES = 8 * 1024 * 1024;

/**
 * The objects of a site as clients of its server see them, whatever serves their scopes. All verbs fail with `ObjectError`; `put` and
 * `delete` with `OperationError`, too, and `put` as its body does.
 */
export class ServedObjects {
  readonly #ports: ServedPorts;

  constructor(ports: ServedPorts) {
    this.#ports = ports;
  }

  /** Whether peers are told of what is written in a scope. */
  async isTold(scope: string): Promise<boolean> {
    return (await this.#ports.scopes.find(scope)).kind === 'own';
  }

  /** What an object is; undefined: there is none. */
  async look({ scope, name }: ObjectName, signal: AbortSignal): Promise<ObjectInfo | undefined> {
    checkName({ scope, name });
    const served = await this.#ports.scopes.find(scope);
    try {
      return await this.#ports.objects.inspect({ scope: served.scope, name, signal });
    } catch (error) {
      if (error instanceof ObjectError && error.kind === 'not-found') return this.#lookLost(served, { scope, name });
      throw error;
    }
  }

  async read(
    { scope, name }: ObjectName,
    { range, signal }: { readonly range: ByteRange | undefined; readonly signal: AbortSignal },
  ): Promise<ObjectRead> {
    checkName({ scope, name });
    const served = await this.#ports.scopes.find(scope);
    try {
      return await this.#ports.objects.read({ scope: served.scope, name, range, signal });
    } catch (error) {
      if (!(error instanceof ObjectError) || error.kind !== 'not-found') throw error;
      const lost = await this.#findLost(served, { scope, name });
      if (lost === undefined) throw error;
      const { of, version } = lost;
      return this.#ports.objects.readKept({ scope: served.scope, name: of.name, range, signal }, version);
    }
  }

  /** A version that lost a conflict is read by a name of its own. */
  async #findLost({ kind }: ServedScope, object: ObjectName): Promise<FoundLost | undefined> {
    return kind === 'own' ? findLost(this.#ports.catalog, object) : undefined;
  }

  async #lookLost(served: ServedScope, object: ObjectName): Promise<ObjectInfo | undefined> {
    const lost = await this.#findLost(served, object);
    if (lost === undefined) return undefined;
    const { content, operation: version } = lost.version;
    return { ...object, version, content, servedBy: this.#ports.store.storage.name, isUnvalidated: false };
  }

  /** Fails where a write would be refused whatever its bytes are. */
  async expectPut({ object, operation, size }: Pick<PutServed, 'object' | 'operation' | 'size'>): Promise<void> {
    checkName(object);
    if (operation !== undefined) checkOperation(this.#ports.clock, operation);
    const served = await this.#ports.scopes.find(object.scope);
    if (operation === undefined) this.#demandRoom(served, object);
    if (served.kind === 'profile' || size === undefined) return;
    const { room } = this.#ports;
    if (room === undefined) return;
    if (!(await room.take(size))) throw fullError(object);
    room.give(size);
  }

  async put(args: PutServed): Promise<PutDone> {
    const { object, operation } = args;
    checkName(object);
    await this.#ports.begun;
    if (operation !== undefined) {
      const repeated = await this.#findRepeat(args, checkOperation(this.#ports.clock, operation));
      if (repeated !== undefined) return repeated;
    }
    const served = await this.#ports.scopes.find(object.scope);
    this.#demandRoom(served, object);
    return served.kind === 'profile' ? this.#putThrough(served, args) : this.#putOwn(served, args);
  }

  async #putThrough({ scope }: ServedScope & { kind: 'profile' }, args: PutServed): Promise<PutDone> {
    const { object, body, attributes, size, onlyIf, operation, signal } = args;
    const asked = { scope, name: object.name, body, attributes, size, onlyIf, operation, signal, md5: true };
    const { version, sha256, md5, isRepeat } = await this.#ports.objects.write(asked);
    // Bytes that lay there before are known by the tag they had.
    const current = (await this.#ports.catalog.readObject(object.scope, object.name))?.current.content;
    const isCurrent = current?.kind === 'object' && current.sha256 === sha256;
    return {
      version,
      entityTag: isCurrent ? entityTagOf(current, version) : (md5 ?? sha256),
      isRepeat,
      isFresh: false,
    };
  }

  async #putOwn({ scope }: ServedScope, args: PutServed): Promise<PutDone> {
    const { object, attributes, size, onlyIf, operation, signal } = args;
    const { scopes, store, room } = this.#ports;
    await scopes.declare(scope);
    await this.#demandOwnName(object);
    const taken = { bytes: 0 };
    let isKept = false;
    try {
      const body = room === undefined ? args.body : await takeRoom(room, args, taken);
      const under = this.#under(object.scope, args.named);
      const asked = { ...object, store, body, attributes, size, onlyIf, under, operation, signal, md5: true };
      const { version, content, isNew: isFresh } = await writeVersion(this.#ports, asked);
      isKept = true;
      room?.give(taken.bytes - content.size);
      return { version, entityTag: entityTagOf(content, version), isRepeat: false, isFresh };
    } finally {
      if (!isKept) room?.give(taken.bytes);
    }
  }

  #under(scope: string, named: EntityTags | undefined): UnderPolicy {
    return { policy: conflictPolicyOf(this.#ports.conflicts, scope), named };
  }

  /** What lost a conflict is no object of its own: it cannot be written over. */
  async #demandOwnName(object: ObjectName): Promise<void> {
    if ((await findLost(this.#ports.catalog, object)) === undefined) return;
    const why =
      'it is the version of another object that lost a conflict: read or delete it, or write under another name';
    throw new ObjectError('conflict', object, why);
  }

  /** What an earlier request with this id did; the body is read to see that it asked for the same. */
  async #findRepeat({ object, body, attributes }: PutServed, operation: string): Promise<PutDone | undefined> {
    const known = await this.#ports.catalog.readOperation(operation);
    if (known === undefined) return undefined;
    const hashing = new HashingBody(body, { md5: true });
    await hashing.drain();
    const { size, sha256, md5 } = hashing;
    const content: ObjectContent = makeContent({ size, sha256, md5, attributes });
    if (known.fingerprint !== fingerprintOf({ ...object, content }))
      throw new OperationError(
        'used',
        `operation ${operation} was used for something else: give each write an id of its own`,
      );
    return { version: operation, entityTag: entityTagOf(content, operation), isRepeat: true, isFresh: false };
  }

  async delete({ scope, name }: ObjectName, args: DeleteServed & Pick<PutServed, 'named'>): Promise<DeleteDone> {
    checkName({ scope, name });
    const operation = args.operation === undefined ? undefined : checkOperation(this.#ports.clock, args.operation);
    if (operation !== undefined) {
      const repeated = await findDeleted(this.#ports, { scope, name }, operation);
      if (repeated !== undefined) return repeated;
    }
    const served = await this.#ports.scopes.find(scope);
    this.#demandRoom(served, { scope, name });
    await this.#ports.begun;
    const isOwn = served.kind === 'own';
    const { onlyIf, named } = args;
    const under = this.#under(scope, named);
    if (!isOwn || under.policy === 'last-writer-wins')
      return deleteServed(this.#ports, served.scope, { ...args, operation, name, isOwn });
    const object = { scope, name };
    const version = await deleteOwn(this.#ports, { object, onlyIf, operation, ...under });
    return version === undefined
      ? deleteAbsent(this.#ports, object, operation)
      : { version, tombstone: version, isRepeat: false };
  }

  /** Fails while too much waits for a peer without which nothing is acknowledged. */
  #demandRoom({ kind }: ServedScope, object: ObjectName): void {
    if (kind === 'profile') return;
    const why = this.#ports.whyFull?.(object.scope);
    if (why !== undefined) throw new ObjectError('backlog', object, why);
  }

  async list(scope: string, query: ListServed): Promise<ServedListing> {
    const showsLost = conflictPolicyOf(this.#ports.conflicts, scope) === 'keep-both';
    return listServed(this.#ports, await this.#ports.scopes.find(scope), { ...query, showsLost });
  }
}

/** A body that takes its room as it comes, or has it from the beginning. */
async function takeRoom(
  room: RoomLeft,
  { object, body, size }: Pick<PutServed, 'object' | 'body' | 'size'>,
  taken: { bytes: number },
): Promise<Body> {
  const take = async (bytes: number): Promise<void> => {
    if (!(await room.take(bytes))) throw fullError(object);
    taken.bytes += bytes;
  };
  const known = body instanceof Uint8Array ? body.length : size;
  if (known !== undefined) await take(known);
  return body instanceof Uint8Array || known !== undefined ? body : takingRoom(body, take, taken);
}

async function* takingRoom(
  body: AsyncIterable<Uint8Array>,
  take: (bytes: number) => Promise<void>,
  taken: { readonly bytes: number },
): AsyncGenerator<Uint8Array> {
  let came = 0;
  for await (const chunk of body) {
    came += chunk.length;
    while (came > taken.bytes) await take(ROOM_STEP_BYTES);
    yield chunk;
  }
}

function fullError(object: ObjectName): ObjectError {
  return new ObjectError('full', object, 'the space of this server is used up; what is there can be read and deleted');
}

function checkName(object: ObjectName): void {
  const problem = findKeyProblem(object.name);
  if (problem !== undefined) throw new ObjectError('invalid-name', object, `the name is refused: ${problem}`);
}

function checkOperation(clock: Pick<Clock, 'nowMs'>, text: string): string {
  const operation = parseOperationId(text);
  if (operation === undefined)
    throw new OperationError('malformed', `the operation's id is no UUIDv7: ${text.slice(0, 100)}`);
  if (isOperationExpired(operation, clock.nowMs()))
    throw new OperationError(
      'expired',
      `operation ${operation} is expired: what it did is not known any more; give the write a new id`,
    );
  return operation;
}
