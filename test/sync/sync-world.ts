import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Pando } from '../../src/compose.ts';
import type { CatalogSettings, Profile } from '../../src/config/configuration.ts';
import { makeProfile } from '../../src/config/make-profile.ts';
import { DEFAULT_DELETE_LIMIT } from '../../src/domain/transfer/delete-limit.ts';
import { EVERYTHING, type FilterSettings, makeKeyFilter } from '../../src/domain/transfer/key-filter.ts';
import { syncReplicas } from '../../src/engine/sync/sync-replicas.ts';
import type { SyncListeners, SyncOptions, SyncResult, SyncTarget } from '../../src/engine/sync/sync-types.ts';
import type { Catalog } from '../../src/ports/catalog.ts';
import type { Storage } from '../../src/ports/storage.ts';
import type { S3Settings } from '../../src/storage/s3/s3-storage.ts';

/** Directories to mirror, a catalog beside them, and syncs from the first to the others, and to buckets. */
export interface SyncWorld extends AsyncDisposable {
  readonly root: string;
  readonly source: string;
  readonly targets: readonly string[];
  readonly pando: Pando;
  catalog(): Promise<Catalog>;
  /** Places as the catalog knows them: the source's, then the targets'. */
  places(): Promise<readonly string[]>;
  sync(run?: SyncRunOptions): Promise<SyncResult>;
  /** What the catalog says of one object: state of each replica of the current version, or why there is none. */
  states(name: string): Promise<Record<string, string> | 'unknown' | 'deleted'>;
  /** Another start of the machine: what was not flushed before may be lost. */
  restart(): Promise<void>;
  /** The catalog, opened anew, as the next process would find it. */
  reopen(): Promise<void>;
}

export interface SyncRunOptions extends Partial<Omit<SyncOptions, 'filter'>> {
  readonly filter?: Partial<FilterSettings>;
  readonly listeners?: SyncListeners;
  readonly signal?: AbortSignal;
  readonly workerProcesses?: number;
  readonly executionMode?: 'local' | 'workers';
  readonly noWorkerMs?: number;
  readonly leaseMs?: number;
  /** Copies are not flushed. */
  readonly relaxed?: boolean;
  readonly symlinks?: 'follow' | 'skip' | 'preserve';
  /** Puts something between the engine and a store; the copies are then carried out in this thread. */
  readonly wrapSource?: (storage: Storage) => Storage;
  readonly wrapTarget?: (storage: Storage, index: number) => Storage;
  /** What is said of the targets by now. */
  readonly keepsNow?: SyncTarget['keepsNow'];
  /** Bytes per second read from the source. */
  readonly bandwidth?: number;
  /** Only these of the world's targets. */
  readonly only?: readonly number[];
  readonly onWorkerLost?: (why: string) => void;
}

export const SCOPE = 'data';

export interface SyncWorldOptions {
  /** Directories; one if nothing is said. */
  readonly targets?: number;
  /** Buckets, after the directories. */
  readonly buckets?: readonly S3Settings[];
  readonly at?: string;
  readonly data?: string;
  /** By default SQLite, in `data`. */
  readonly catalog?: CatalogSettings | undefined;
}

export function openSyncWorld(options: SyncWorldOptions = {}): SyncWorld {
  const root = options.at ?? mkdtempSync(join(tmpdir(), 'pando-sync-'));
  const source = join(root, 'source');
  const targets = Array.from({ length: options.targets ?? 1 }, (_, i) => join(root, `target${i}`));
  for (const directory of [source, ...targets]) mkdirSync(directory, { recursive: true });
  return new DirectoryWorld({
    root,
    source,
    targets,
    buckets: options.buckets ?? [],
    data: options.data ?? join(root, 'data'),
    keep: options.at !== undefined,
    catalog: options.catalog,
  });
}

class DirectoryWorld implements SyncWorld {
  readonly root: string;
  readonly source: string;
  readonly targets: readonly string[];
  readonly #buckets: readonly S3Settings[];
  readonly #data: string;
  readonly #keep: boolean;
  readonly #catalog: CatalogSettings | undefined;
  pando: Pando;

  constructor(at: {
    root: string;
    source: string;
    targets: readonly string[];
    buckets: readonly S3Settings[];
    data: string;
    keep: boolean;
    catalog: CatalogSettings | undefined;
  }) {
    this.root = at.root;
    this.source = at.source;
    this.targets = at.targets;
    this.#buckets = at.buckets;
    this.#data = at.data;
    this.#keep = at.keep;
    this.#catalog = at.catalog;
    this.pando = this.#open();
  }

  catalog(): Promise<Catalog> {
    return this.pando.catalog();
  }

  async places(): Promise<readonly string[]> {
    const stores = await Promise.all(this.#profiles().map((profile) => this.pando.openStore(profile)));
    return stores.map(({ place }) => place);
  }

  async sync(run: SyncRunOptions = {}): Promise<SyncResult> {
    const {
      filter,
      listeners,
      signal,
      bandwidth,
      workerProcesses,
      executionMode,
      noWorkerMs,
      symlinks,
      relaxed,
      wrapSource,
      wrapTarget,
      only,
      ...options
    } = run;
    const [sourceProfile, ...targetProfiles] = this.#profiles(bandwidth);
    const chosen = targetProfiles.filter((_, i) => only?.includes(i) ?? true);
    const opened = await this.pando.openStore(sourceProfile as Profile, symlinks === undefined ? {} : { symlinks });
    const source = wrapSource?.(opened) ?? opened;
    const targets = await Promise.all(
      chosen.map(async (profile, i) => {
        const wanted = relaxed === true ? { ...profile, durability: 'relaxed' as const } : profile;
        const storage = await this.pando.openStore(wanted, {
          symlinks: symlinks === undefined || symlinks === 'follow' ? 'follow-files' : symlinks,
        });
        return {
          title: profile.name,
          storage: wrapTarget?.(storage, i) ?? storage,
          ...(run.keepsNow && { keepsNow: run.keepsNow }),
        };
      }),
    );
    const catalog = await this.pando.catalog();
    await catalog.openScope({
      name: SCOPE,
      title: SCOPE,
      source: source.place,
      replicas: targets.map(({ storage, title }, i) => ({ store: storage.place, title, priority: i + 1 })),
      standing: false,
    });
    const ports = await this.pando.syncPorts({
      workerProcesses,
      executionMode,
      noWorkerMs,
      onNoWorker: listeners?.onNoWorker,
      onWorkerLost: run.onWorkerLost,
    });
    return syncReplicas(run.leaseMs === undefined ? ports : { ...ports, leaseMs: run.leaseMs }, {
      scope: SCOPE,
      source,
      targets,
      options: {
        prefix: '',
        comparison: 'version',
        deleteUnmatched: false,
        deleteLimit: DEFAULT_DELETE_LIMIT,
        readBack: false,
        dryRun: false,
        wait: false,
        ...options,
        filter: makeKeyFilter({ ...EVERYTHING, ...filter }),
      },
      listeners: listeners ?? {},
      signal: signal ?? new AbortController().signal,
    });
  }

  async states(name: string): Promise<Record<string, string> | 'unknown' | 'deleted'> {
    const row = await (await this.catalog()).readObject(SCOPE, name);
    if (row === undefined) return 'unknown';
    if (row.current.content.kind === 'tombstone') return 'deleted';
    const places = await this.places();
    const names = this.#profiles().map(({ name }) => name);
    const current = row.replicas.filter(({ versionId }) => versionId === row.current.id);
    return Object.fromEntries(current.map(({ store, state }) => [names[places.indexOf(store)] ?? store, state]));
  }

  async restart(): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    const catalog = new DatabaseSync(join(this.#data, 'catalog.sqlite'));
    catalog.exec("update unflushed set boot = 'an earlier start'");
    catalog.close();
    this.pando = this.#open();
  }

  async reopen(): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    this.pando = this.#open();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pando[Symbol.asyncDispose]();
    if (!this.#keep) rmSync(this.root, { recursive: true, force: true });
  }

  #profiles(bandwidth?: number): Profile[] {
    return [
      { ...makeProfile('source', { type: 'file', basePath: this.source }), bandwidth },
      ...this.targets.map((basePath, i) => makeProfile(`target${i}`, { type: 'file', basePath })),
      ...this.#buckets.map((settings, i) => makeProfile(`bucket${i}`, { type: 's3', ...settings })),
    ];
  }

  #open(): Pando {
    return new Pando({
      file: undefined,
      catalog: this.#catalog ?? { kind: 'sqlite', path: join(this.#data, 'catalog.sqlite') },
      profiles: {},
    });
  }
}
