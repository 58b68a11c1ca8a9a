import { findKeyProblem } from '../domain/object/key.ts';
import type { ObjectContent, Version } from '../domain/object/version.ts';
import type { ObjectRecord } from '../ports/catalog.ts';
import { StorageError } from '../ports/storage.ts';
import { ObjectError, toObjectError } from './object-error.ts';
import { observeSource, type ObservePorts } from './observe-object.ts';
import { hasSource, type ObjectScope, type OpenedScope } from './opened-scope.ts';
import { readableStores } from './scope-stores.ts';

export type Consistency = ObjectScope['consistency'];

export interface Locate {
  readonly scope: ObjectScope;
  readonly name: string;
  readonly consistency?: Consistency | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What is known of an object before it is read.
 *
 * - `known`: the catalog has a current version of it.
 * - `unvalidated`: the catalog does not know it, and the source cannot be asked: a copy serves by its own mark only.
 * - `anything`: the catalog does not know it, and the caller takes what the first store has.
 */
export type Located =
  | { readonly kind: 'known'; readonly row: KnownObject }
  | { readonly kind: 'unvalidated'; readonly why: StorageError }
  | { readonly kind: 'anything' };

export interface KnownObject extends ObjectRecord {
  readonly current: Version & { readonly content: ObjectContent };
}

/** Which version a caller is to get, as its consistency asks for (docs/reading.md, "Consistency"). */
export async function locateObject(ports: ObservePorts, args: Locate): Promise<Located> {
  const { scope, name } = args;
  const problem = findKeyProblem(name);
  if (problem !== undefined)
    throw new ObjectError('invalid-name', { scope: scope.name, name }, `the name is refused: ${problem}`);

  const row = await ports.catalog.readObject(scope.name, name);
  if (!hasSource(scope)) return { kind: 'known', row: knownOrMissing(args, row) };
  const consistency = effectiveConsistency(args);
  const sourced = { ...args, scope };
  if (consistency === 'current')
    return { kind: 'known', row: knownOrMissing(args, await askSource(ports, sourced, row)) };
  if (row !== undefined) return { kind: 'known', row: knownOrMissing(args, row) };
  if (consistency === 'any') return { kind: 'anything' };
  return meet(ports, sourced);
}

interface LocateAtSource extends Locate {
  readonly scope: OpenedScope;
}

/** What the caller asks for, or else the profile. */
export function effectiveConsistency({ scope, consistency }: Locate): Consistency {
  return consistency ?? scope.consistency;
}

/** An object of which the catalog knows nothing: the source is asked once, and from then on it is known. */
async function meet(ports: ObservePorts, args: LocateAtSource): Promise<Located> {
  const { scope, name, signal } = args;
  const advice = readableStores(scope, name, ports.health).at(-1)?.advice;
  if (advice === 'probe') ports.health.probeBegan(scope.source.place);
  try {
    return {
      kind: 'known',
      row: knownOrMissing(args, await observeSource(ports, { scope, name, row: undefined, signal })),
    };
  } catch (error) {
    if (error instanceof StorageError && isUnreachable(error)) return { kind: 'unvalidated', why: error };
    throw toObjectError({ scope: scope.name, name }, error);
  }
}

async function askSource(
  ports: ObservePorts,
  { scope, name, signal }: LocateAtSource,
  row: ObjectRecord | undefined,
): Promise<ObjectRecord | undefined> {
  try {
    return await observeSource(ports, { scope, name, row, signal });
  } catch (error) {
    throw toObjectError({ scope: scope.name, name }, error);
  }
}

function knownOrMissing({ scope, name }: Locate, row: ObjectRecord | undefined): KnownObject {
  const object = { scope: scope.name, name };
  if (row === undefined)
    throw new ObjectError('not-found', object, hasSource(scope) ? 'not found at the source' : 'not found');
  if (!isKnown(row)) throw new ObjectError('not-found', object, 'it was deleted');
  return row;
}

function isKnown(row: ObjectRecord): row is KnownObject {
  return row.current.content.kind === 'object';
}

function isUnreachable({ kind }: StorageError): boolean {
  return kind === 'unavailable' || kind === 'timeout' || kind === 'throttled';
}
