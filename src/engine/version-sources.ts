import { escapeKey } from '../domain/object/key.ts';
import { type Candidate, planRead, type ReadPlan } from '../domain/replica/candidates.ts';
import type { Finding } from '../domain/replica/observation.ts';
import type { ObjectRecord } from '../ports/catalog.ts';
import { type Storage, StorageError } from '../ports/storage.ts';
import { askStore } from './ask-store.ts';
import { hashStored } from './hash-stored.ts';
import { type Attempt, attemptOf } from './object-error.ts';
import { observeSource, type ObservePorts, recordFinding } from './observe-object.ts';
import type { LaterRecords } from './later-records.ts';
import { hasSource, type ObjectScope } from './opened-scope.ts';
import { readableStores, roleOf, storageAt } from './scope-stores.ts';
import type { Source, SourceFailure, Sources } from './version-read.ts';

export interface SourcesPorts extends ObservePorts {
  readonly later: LaterRecords;
}

export interface SourcesQuery {
  readonly scope: ObjectScope;
  readonly row: ObjectRecord;
  /** Not always the current one: a handle stays with the version it was opened on. */
  readonly versionId: number;
  /** Places of stores that are not asked. */
  readonly except: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** How often one read goes back to sources that broke off after giving something. */
const RESUMES_MAX = 3;

/**
 * The sources of one version by the catalog: planned, asked in order, and planned again when a store turns out to hold something
 * else than recorded. What was found wrong is recorded before the next source is asked.
 */
export class VersionSources implements Sources {
  /** The choice as it was made first (I14). */
  readonly plan: ReadPlan;
  readonly #ports: SourcesPorts;
  readonly #query: SourcesQuery;
  readonly #lacking: Set<string>;
  /** The last word of each store. */
  readonly #attempts = new Map<string, Attempt>();
  /** Stores and tokens asked before: nobody is asked twice for the same bytes. */
  readonly #asked = new Set<string>();
  #row: ObjectRecord;
  #queue: Candidate[] = [];
  #again: Source[] = [];
  #resumes = 0;
  #lookedAgain = false;
  /** Stores that the scope does not name, by place; undefined: nobody has looked for any. */
  #placed: ReadonlyMap<string, Storage> | undefined;

  constructor(ports: SourcesPorts, query: SourcesQuery) {
    this.#ports = ports;
    this.#query = query;
    this.#row = query.row;
    this.plan = this.#planAgain();
    this.#lacking = new Set(this.plan.lacking);
  }

  get attempts(): readonly Attempt[] {
    return [...this.#attempts.values()];
  }

  get superseded(): boolean {
    return this.#row.current.id !== this.#query.row.current.id;
  }

  /** Replica stores found to be without the version, by the catalog or by asking. */
  get lacking(): ReadonlySet<string> {
    return this.#lacking;
  }

  async next(): Promise<Source | undefined> {
    const source = (await this.#nextPlanned()) ?? this.#again.shift();
    if (source !== undefined || this.#placed !== undefined) return source;
    await this.#lookForPlaced();
    return await this.#nextPlanned();
  }

  async #nextPlanned(): Promise<Source | undefined> {
    for (let candidate = this.#queue.shift(); candidate !== undefined; candidate = this.#queue.shift()) {
      if (candidate.kind === 'look-again' && candidate.token === undefined) await this.#lookAgain();
      const storage = this.#storageAt(candidate.store);
      if (storage === undefined) continue;
      if (candidate.kind === 'look-again' && candidate.token !== undefined) {
        const cleared = await this.#readAgain(storage, candidate, candidate.token);
        if (cleared !== undefined) return cleared;
      }
      if (candidate.kind !== 'exact') continue;
      const { place, token, verified, probe } = candidate;
      this.#asked.add(`${candidate.store} ${token}`);
      return { storage, place, token, verified, probe };
    }
    return undefined;
  }

  #storageAt(place: string): Storage | undefined {
    return storageAt(this.#query.scope, place) ?? this.#placed?.get(place);
  }

  /** Stores that have it, perhaps, and are not to be asked: who gets nothing is told of them. */
  #noteClosed(): void {
    const { scope, except } = this.#query;
    for (const { store, closed } of readableStores(scope, this.#row.name, this.#ports.health, except)) {
      const name = storageAt(scope, store)?.name;
      if (closed !== undefined && name !== undefined) this.#note({ store: name, kind: 'unavailable', why: closed });
    }
  }

  /** All stores of the scope have failed: copies that rules placed at others are as good. */
  async #lookForPlaced(): Promise<void> {
    const { scope, versionId, except } = this.#query;
    this.#noteClosed();
    const { name, replicas } = this.#row;
    const placed = new Map<string, Storage>();
    this.#placed = placed;
    for (const { store, versionId: version } of replicas) {
      if (version !== versionId || except.includes(store) || storageAt(scope, store) !== undefined) continue;
      try {
        const storage = await scope.openPlaced?.(store);
        if (storage !== undefined) placed.set(store, storage);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        this.#note(attemptOf(error));
      }
    }
    const stores = [...placed.keys()].map((store) => {
      return { store, role: 'replica', advice: this.#ports.health.adviseOn(store) } as const;
    });
    this.#queue = [...planRead({ name, versionId, replicas, stores, anyVersion: false }).candidates];
  }

  async failed(source: Source, error: StorageError, { finding, brokeOff }: SourceFailure): Promise<void> {
    this.#note(attemptOf(error));
    const object = `${this.#row.scope}:${escapeKey(this.#row.name)}`;
    this.#ports.telling?.info?.('a source failed, the next one is asked', { object, why: error.message });
    if (brokeOff && this.#resumes++ < RESUMES_MAX) this.#again.push({ ...source, probe: false });
    if (finding === 'other-token') return this.#observeToken(source);
    if (finding !== undefined) await this.#record(source, finding, error.message);
  }

  confirmed(source: Source, sha256: string): void {
    const { current } = this.#row;
    const known = current.content.kind === 'object' ? current.content.sha256 : undefined;
    // A hash nobody vouches for says nothing about the version: only the source's bytes are the object by themselves.
    if (known === undefined && roleOf(this.#query.scope, source.storage.place) !== 'source') return;
    this.#tellVerified(source, sha256, source.token);
  }

  #tellVerified({ storage, place, token }: Source, sha256: string, ifToken?: string): void {
    const { scope, name } = this.#row;
    const to = { state: 'AVAILABLE', place, token, verification: 'read-back' } as const;
    const change = { scope, name, versionId: this.#query.versionId, store: storage.place, to, sha256 };
    this.#ports.later.add({ replicas: [ifToken === undefined ? change : { ...change, ifToken }] });
  }

  #planAgain(): ReadPlan {
    const { scope, versionId, except } = this.#query;
    const stores = readableStores(scope, this.#row.name, this.#ports.health, except);
    const plan = planRead({ name: this.#row.name, versionId, replicas: this.#row.replicas, stores, anyVersion: false });
    this.#queue = plan.candidates.filter((one) =>
      'token' in one ? !this.#asked.has(`${one.store} ${one.token}`) : !this.#lookedAgain,
    );
    return plan;
  }

  /** The source does not hold what was recorded: its bytes are hashed before any of them is served. */
  async #lookAgain(): Promise<void> {
    this.#lookedAgain = true;
    if (this.#query.versionId === this.#row.current.id) await this.#observe();
  }

  /** A copy in doubt, when nobody else could serve: by its hash it is the version, or it is not. */
  async #readAgain(storage: Storage, { place, probe }: Candidate, token: string): Promise<Source | undefined> {
    const { scope, versionId, signal } = this.#query;
    const { id, content } = this.#row.current;
    this.#asked.add(`${storage.place} ${token}`);
    if (id !== versionId || content.kind !== 'object' || content.sha256 === undefined) return undefined;
    const question = { storage, key: place, deadlineMs: scope.deadlineMs, signal };
    try {
      const head = await askStore(this.#ports, question, (aborted) => storage.head(place, { signal: aborted }));
      const source = { storage, place, token: head.token, verified: true, probe };
      if (head.size === content.size && (await hashStored(this.#ports, question, head)) === content.sha256) {
        this.#tellVerified(source, content.sha256);
        return source;
      }
      const why = 'it holds other bytes than recorded';
      this.#note({ store: storage.name, kind: 'corrupt', why });
      if (head.token === token) await this.#record(source, 'wrong-bytes', why);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#note(attemptOf(error));
      if (error.kind === 'not-found') await this.#record({ storage, place }, 'missing', error.message);
    }
    return undefined;
  }

  /** Another token: somebody recorded new bytes since the plan was made, or nobody did and the store is looked at. */
  async #observeToken(source: Source): Promise<void> {
    const { catalog } = this.#ports;
    const { scope, versionId } = this.#query;
    const row = await catalog.readObject(scope.name, this.#row.name);
    if (row === undefined) return;
    this.#row = row;
    const replica = row.replicas.find((one) => one.store === source.storage.place && one.versionId === versionId);
    const isNews =
      replica === undefined || replica.token !== source.token || row.current.id !== this.#query.row.current.id;
    if (isNews) this.#planAgain();
    else if (roleOf(scope, source.storage.place) === 'source' && versionId === row.current.id) await this.#observe();
    else await this.#record(source, 'other-token', 'it holds other bytes than recorded');
  }

  async #observe(): Promise<void> {
    const { scope, versionId, signal } = this.#query;
    if (!hasSource(scope)) return;
    const { source } = scope;
    try {
      const row = await observeSource(this.#ports, { scope, name: this.#row.name, row: this.#row, signal });
      if (row === undefined)
        return this.#note({ store: source.name, kind: 'not-found', why: 'it does not have the object' });
      this.#row = row;
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      return this.#note(attemptOf(error));
    }
    this.#planAgain();
    const state = this.#row.replicas.find((one) => one.store === source.place && one.versionId === versionId)?.state;
    if (state === 'BAD')
      this.#note({
        store: source.name,
        kind: 'corrupt',
        why: 'its bytes are not what was recorded, under the same token',
      });
  }

  #note(attempt: Attempt): void {
    this.#attempts.delete(attempt.store);
    this.#attempts.set(attempt.store, attempt);
  }

  async #record(source: Pick<Source, 'storage' | 'place'>, finding: Finding, detail: string): Promise<void> {
    const { scope, versionId } = this.#query;
    const store = source.storage.place;
    if (scope.replicas.some(({ storage }) => storage.place === store)) this.#lacking.add(store);
    const replica = this.#row.replicas.find((one) => one.store === store && one.versionId === versionId);
    if (replica !== undefined) await recordFinding(this.#ports, scope, this.#row, replica, finding, detail);
  }
}
