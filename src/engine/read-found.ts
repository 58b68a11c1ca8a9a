import { planRead } from '../domain/replica/candidates.ts';
import { resolveByteRange } from '../domain/transfer/byte-range.ts';
import { type Head, type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import type { KnownObject } from './locate-object.ts';
import { contentOf } from './object-content.ts';
import { type Attempt, attemptOf, ObjectError } from './object-error.ts';
import {
  BUFFERED_BYTES_MAX,
  mergeAttempts,
  type ObjectRead,
  openBody,
  type ReadArguments,
  type ReadPorts,
} from './object-read.ts';
import { readableStores, storageAt } from './scope-stores.ts';
import { type Source, type Sources, VersionRead } from './version-read.ts';

/**
 * The catalog does not know the object and the source cannot be asked: a copy made by Pando proves itself, byte for byte,
 * by the mark it carries. It is intact; whether it is the newest nobody can say.
 */
export async function readByMark(ports: ReadPorts, args: ReadArguments, why: StorageError): Promise<ObjectRead> {
  return readFirst(ports, args, {
    proof: 'mark',
    places: inOrderOfHealth(ports, args, 'replica'),
    attempts: [attemptOf(why)],
  });
}

/** The caller takes any version: whatever the first store has, in one piece, from one store. */
export async function readAnything(
  ports: ReadPorts,
  args: ReadArguments,
  known: { readonly row: KnownObject; readonly error: ObjectError } | undefined,
): Promise<ObjectRead> {
  if (known === undefined)
    return readFirst(ports, args, { proof: 'none', places: inOrderOfHealth(ports, args), attempts: [] });
  const { scope, name, except } = args;
  const stores = readableStores(scope, name, ports.health, except);
  const { current, replicas } = known.row;
  const plan = planRead({ name, versionId: current.id, replicas, stores, anyVersion: true });
  const places = plan.candidates.map(({ store }) => store);
  return readFirst(ports, args, { proof: 'none', places, attempts: known.error.attempts });
}

interface FoundSearch {
  /** `mark`: only bytes that are proven by the mark they carry. */
  readonly proof: 'mark' | 'none';
  readonly places: readonly string[];
  /** What was tried before. */
  readonly attempts: readonly Attempt[];
}

function inOrderOfHealth(
  ports: ReadPorts,
  { scope, name, except }: ReadArguments,
  role?: 'replica',
): readonly string[] {
  const stores = readableStores(scope, name, ports.health, except).filter(
    (one) => one.closed === undefined && (role === undefined || one.role === role),
  );
  return [...stores.filter(({ advice }) => advice !== 'last'), ...stores.filter(({ advice }) => advice === 'last')].map(
    ({ store }) => store,
  );
}

async function readFirst(
  ports: ReadPorts,
  args: ReadArguments,
  { proof, places, attempts }: FoundSearch,
): Promise<ObjectRead> {
  const tried = [...attempts];
  for (const place of places) {
    const storage = storageAt(args.scope, place);
    if (storage === undefined) continue;
    try {
      return await readFound(ports, args, storage, proof);
    } catch (error) {
      if (error instanceof ObjectError && error.kind !== 'aborted') tried.push(...error.attempts);
      else if (error instanceof StorageError && error.kind !== 'aborted') tried.push(attemptOf(error));
      else throw error;
    }
  }
  throw mergeAttempts(args, tried);
}

async function readFound(
  ports: ReadPorts,
  args: ReadArguments,
  storage: Storage,
  proof: 'mark' | 'none',
): Promise<ObjectRead> {
  const { scope, name, range, signal } = args;
  const question = { storage, key: name, deadlineMs: scope.deadlineMs, signal };
  const head = await askStore(ports, question, (aborted) => storage.head(name, { signal: aborted }));
  const sha256 = head.mark?.sha256;
  const where = { store: storage.name, key: name };
  if (proof === 'mark' && sha256 === undefined)
    throw new StorageError(
      'unavailable',
      where,
      'its copy carries no mark to prove it by, and the source cannot be asked',
    );

  const span = resolveByteRange(range, head.size);
  const isWhole = span.start === 0 && span.end === head.size;
  if (proof === 'mark' && !(isWhole && head.size <= (args.bufferedBytesMax ?? BUFFERED_BYTES_MAX))) {
    const found = await hashStored(ports, question, head);
    if (found !== sha256) throw new StorageError('corrupt', where, `sha256 is ${found}, its mark says ${sha256}`);
  }
  const object = { scope: scope.name, name };
  const only = new OneSource({ storage, place: name, token: head.token, verified: true, probe: false });
  const reading = new VersionRead(ports, only, {
    object,
    size: head.size,
    sha256,
    span,
    deadlineMs: scope.deadlineMs,
    signal,
  });
  const body = await openBody(reading, span, args);
  if (body === undefined) throw new StorageError('changed', where, 'it changed while it was read');
  return describeFound({ head, storage, span, body, sha256, close: () => reading.close() });
}

function describeFound(found: {
  readonly head: Head;
  readonly storage: Storage;
  readonly span: ObjectRead['span'];
  readonly body: ObjectRead['body'];
  readonly sha256: string | undefined;
  readonly close: () => void;
}): ObjectRead {
  return {
    version: found.head.mark?.operation,
    content: contentOf(found.head, found.sha256),
    span: found.span,
    body: found.body,
    servedBy: found.storage.name,
    isUnvalidated: true,
    plan: undefined,
    [Symbol.dispose]: found.close,
  };
}

/** Bytes that only one store has. */
class OneSource implements Sources {
  readonly superseded = false;
  readonly attempts: Attempt[] = [];
  readonly #source: Source;
  #isGiven = false;

  constructor(source: Source) {
    this.#source = source;
  }

  async next(): Promise<Source | undefined> {
    if (this.#isGiven) return undefined;
    this.#isGiven = true;
    return this.#source;
  }

  async failed(_source: Source, error: StorageError): Promise<void> {
    this.attempts.push(attemptOf(error));
  }

  confirmed(): void {}
}
