import { createHash } from 'node:crypto';
import { conflictName } from '../../src/domain/journal/conflict-policy.ts';
import type { Dot } from '../../src/domain/object/dot.ts';
import { type EntityTags, entityTagOf } from '../../src/domain/object/entity-tag.ts';
import { ObjectError } from '../../src/engine/object-error.ts';
import type { Expected } from '../../src/engine/sites/await-peers.ts';
import { deleteLost, deleteOwn } from '../../src/engine/sites/delete-own.ts';
import { writeVersion } from '../../src/engine/sites/write-version.ts';
import { StorageError } from '../../src/ports/storage.ts';
import type { Act } from './plan.ts';
import { type Running, SCOPE, type SimulatedSite } from './simulated-site.ts';

/** What a client is told; versions are named by their operation, or by their number at the site. */
export type Told =
  | {
      readonly kind: 'acknowledged';
      readonly name: string;
      readonly version: number | string;
      readonly operation: string;
      readonly condition: string | undefined;
    }
  /** `needed` of these peers have it. */
  | {
      readonly kind: 'replicated';
      readonly name: string;
      readonly version: number | string;
      readonly among: readonly string[];
      readonly needed: number;
    }
  | { readonly kind: 'read-began'; readonly name: string; readonly reader: number }
  | {
      readonly kind: 'read';
      readonly name: string;
      readonly reader: number;
      readonly version: number | undefined;
      readonly sha256: string | undefined;
    }
  | { readonly kind: 'refused'; readonly name: string; readonly operation: string; readonly reason: string };

/** A write that was asked for, whatever became of it: it may be asked for again. */
interface Asked {
  readonly site: string;
  readonly name: string;
  readonly text: string;
  readonly operation: string;
  readonly condition: Condition;
  /** States of the object that the client has named. */
  readonly named: EntityTags | undefined;
}

interface Condition {
  readonly ifAbsent?: true;
  readonly ifVersion?: string;
}

/** What a write may fail with where nothing is wrong. */
const FAIR = new Set<string>(['condition', 'conflict', 'unavailable', 'full']);

/** All clients of a world. */
export class Clients {
  readonly #asked: Asked[] = [];
  #readers = 0;

  /** Never answers where the site dies meanwhile. Fails only with defects. */
  async act(
    act: Act,
    site: SimulatedSite,
    tell: (told: Told) => void,
    pick: <T>(list: readonly T[]) => T,
  ): Promise<void> {
    const { running } = site;
    if (running === undefined) return;
    await running.begun;
    const { name, text, kind } = act;
    const fresh = (condition: Condition, named?: EntityTags): Promise<void> => {
      const asked = { site: site.name, name, text, operation: running.operations.next(), condition, named };
      this.#asked.push(asked);
      return put(running, asked, tell);
    };
    switch (kind) {
      case 'put':
        return fresh({});
      case 'put-if-absent':
        return fresh({ ifAbsent: true });
      case 'put-if-seen': {
        const row = await running.catalog.readObject(SCOPE, name);
        return fresh(row === undefined ? {} : { ifVersion: row.current.operation });
      }
      case 'put-over-all':
        return fresh({}, await tagsOf(running, name));
      case 'delete-lost': {
        const kept = await running.catalog.readConflict({ scope: SCOPE, name });
        const [lost] = kept?.lost ?? [];
        return lost && removeLost(running, name, lost.dot);
      }
      case 'repeat':
      case 'repeat-elsewhere': {
        const before = this.#asked.filter((one) => (one.site === site.name) === (kind === 'repeat'));
        return before.length === 0 ? undefined : put(running, pick(before), tell);
      }
      case 'delete':
        return remove(running, name, tell);
      case 'read':
        return read(running, name, { reader: ++this.#readers, tell });
    }
  }
}

async function put(running: Running, asked: Asked, tell: (told: Told) => void): Promise<void> {
  const { catalog, clock, operations, store, awaiting, conflicts: policy } = running;
  const { name, text, operation, condition, named } = asked;
  try {
    const under = { policy, named };
    const args = { scope: SCOPE, name, store, body: Buffer.from(text), operation, under, ...condition };
    const expected = await awaiting.expect(SCOPE);
    const { version, isNew } = await writeVersion({ catalog, clock, operations }, args);
    const demanded = condition.ifVersion ?? (condition.ifAbsent === true ? 'absent' : undefined);
    tell({ kind: 'acknowledged', name, version, operation, condition: demanded });
    await replicate(running, expected, { name, version, operation: version, isFresh: isNew, tell });
  } catch (error) {
    if (!(error instanceof ObjectError) || !FAIR.has(error.kind)) throw error;
    tell({ kind: 'refused', name, operation, reason: error.kind });
  }
}

interface Written {
  readonly name: string;
  readonly version: number | string;
  readonly operation: string;
  readonly isFresh: boolean;
  readonly tell: (told: Told) => void;
}

/** As a server does before it answers. */
async function replicate(
  { awaiting, copies }: Running,
  expected: Expected,
  { name, version, operation, isFresh, tell }: Written,
): Promise<void> {
  const write = { scope: SCOPE, name, operation };
  const { signal } = new AbortController();
  const awaited = await awaiting.wait(expected, { write, isFresh, isAsync: false, signal });
  if (awaited.kind !== 'held') return;
  const among = expected.peers.map((peer) => peer.name);
  const needed = Math.min(copies ?? among.length, among.length);
  tell({ kind: 'replicated', name, version, among, needed });
}

/** All that a client may name who has looked at them. */
async function tagsOf({ catalog }: Running, name: string): Promise<EntityTags | undefined> {
  const kept = await catalog.readConflict({ scope: SCOPE, name });
  return (
    kept &&
    [kept.served, ...kept.lost].flatMap(({ content, operation }) =>
      content.kind === 'object' ? { tag: entityTagOf(content, operation) ?? '', isWeak: false } : [],
    )
  );
}

async function remove(running: Running, name: string, tell: (told: Told) => void): Promise<void> {
  const { catalog, clock, operations, awaiting, conflicts: policy } = running;
  const object = { scope: SCOPE, name };
  const expected = await awaiting.expect(SCOPE);
  if (policy !== 'last-writer-wins') {
    try {
      const named = await tagsOf(running, name);
      const operation = await deleteOwn({ catalog, clock, operations }, { object, policy, named, onlyIf: undefined });
      if (operation !== undefined) {
        tell({ kind: 'acknowledged', name, version: operation, operation, condition: undefined });
        await replicate(running, expected, { name, version: operation, operation, isFresh: true, tell });
      }
    } catch (error) {
      if (!(error instanceof ObjectError) || !FAIR.has(error.kind)) throw error;
    }
    return;
  }
  const operation = operations.next();
  for (let round = 1; round <= 10; round++) {
    const row = await catalog.readObject(SCOPE, name);
    if (row === undefined) return;
    const { changes } = await catalog.record({
      changes: [{ ...object, follows: row.current.id, content: { kind: 'tombstone' }, operation, replicas: [] }],
    });
    const [outcome] = changes;
    if (outcome?.kind === 'conflict') continue;
    if (outcome?.kind !== 'recorded' && outcome?.kind !== 'repeated') throw new Error(`a delete is ${outcome?.kind}`);
    const { kind, versionId: version } = outcome;
    tell({ kind: 'acknowledged', name, version, operation, condition: undefined });
    // Of a delete that somebody else has made the operation is another one.
    if (kind === 'recorded') await replicate(running, expected, { name, version, operation, isFresh: true, tell });
    return;
  }
}

async function removeLost({ catalog, clock, operations }: Running, name: string, dot: Dot): Promise<void> {
  try {
    const object = { scope: SCOPE, name: conflictName(name, dot) };
    await deleteLost({ catalog, clock, operations }, { object, onlyIf: undefined });
  } catch (error) {
    if (!(error instanceof ObjectError) || !FAIR.has(error.kind)) throw error;
  }
}

async function read(
  { catalog, store }: Running,
  name: string,
  { reader, tell }: { readonly reader: number; readonly tell: (told: Told) => void },
): Promise<void> {
  tell({ kind: 'read-began', name, reader });
  const row = await catalog.readObject(SCOPE, name);
  const version = row?.current.id;
  let sha256: string | undefined;
  const copy = row?.replicas.find(({ versionId, state }) => versionId === version && state === 'AVAILABLE');
  if (copy !== undefined && row?.current.content.kind === 'object') {
    try {
      const { body } = await store.storage.get(copy.place, copy.token === undefined ? {} : { ifToken: copy.token });
      sha256 = createHash('sha256')
        .update(body as Uint8Array)
        .digest('hex');
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
    }
  }
  tell({ kind: 'read', name, reader, version, sha256 });
}
