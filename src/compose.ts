import { existsSync } from 'node:fs';
import type { Configuration, Profile } from './config/configuration.ts';
import { findProfile } from './config/find-profile.ts';
import { storePlace } from './config/place.ts';
import { callAsRecorded, profileOfRecordedPlace } from './config/recorded-place.ts';
import { checkSource, declareScope, type ScopeStores } from './declare-scope.ts';
import { describeStores } from './describe-stores.ts';
import type { CarriedOut } from './engine/carry-out-requests.ts';
import type { RuleDesk } from './engine/explain/rule-desk.ts';
import { bindObjectVerbs, type ObjectVerbs } from './engine/object-verbs.ts';
import type { TransferLimits } from './domain/transfer/transfer-limits.ts';
import type { OpenedScope } from './engine/opened-scope.ts';
import { OperationIds } from './engine/operation-ids.ts';
import type { DefaultPolicies } from './engine/rules/default-policies.ts';
import type { KeepRules, RuleWorkPorts } from './engine/rules/keep-rules.ts';
import { StoreHealth } from './engine/store-health.ts';
import { openToRead } from './engine/stores/open-to-read.ts';
import { StoreAvailability } from './engine/stores/store-availability.ts';
import type { Stores } from './engine/stores/store-access.ts';
import { declareStores } from './engine/stores/declare-stores.ts';
import { describeTopology } from './engine/stores/topology.ts';
import { transferLimitsOf } from './engine/stores/transfer-limits-of.ts';
import type { PoolOfSync, SyncPorts, SyncReplicas } from './engine/sync/sync-replicas.ts';
import type { SyncResult } from './engine/sync/sync-types.ts';
import type { VerifyReplicas } from './engine/verify/verify-replicas.ts';
import type { VerifyResult } from './engine/verify/verify-types.ts';
import type { Catalog, NewEvent } from './ports/catalog.ts';
import type { CopyPool } from './ports/copy-pool.ts';
import type { PageJob } from './ports/page-queue.ts';
import type { Storage } from './ports/storage.ts';
import type { Telling } from './ports/telling.ts';
import type { TransferTool } from './ports/transfer-tool.ts';
import { existingCatalog, openCatalog } from './open-catalog.ts';
import { areShareable, openLocalPool, type PoolOptions, type PoolParts } from './open-pool.ts';
import { openLedgers } from './open-bandwidths.ts';
import { type OpenStore, openStorage, type WorkerStore } from './open-storage.ts';
import { checkOwnTools, type OwnTransferTool, TransferTools } from './open-transfer-tools.ts';
import { StoreDesk } from './store-desk.ts';
import { StoreMeters } from './storage/store-meters.ts';
import { systemClock } from './system/system-clock.ts';
import { systemProcesses } from './system/system-processes.ts';
import { systemRandom } from './system/system-random.ts';
import { openSystemScratch } from './system/system-scratch.ts';
import { systemUser } from './system/system-user.ts';
import type { CarryOutPages } from './transfer-tools/workers/carry-out-pages.ts';

export type { ExecutionMode, PoolOptions } from './open-pool.ts';

export interface StoreOptions {
  readonly symlinks?: OpenStore['symlinks'];
}

/**
 * Pando with its parts put together: the only place, with `worker-entry.ts`, that knows which catalog and which stores there
 * are. Closing it closes what it opened.
 */
export class Pando implements AsyncDisposable {
  readonly configuration: Configuration;
  readonly clock = systemClock;
  readonly random = systemRandom;
  readonly processes = systemProcesses;
  readonly user = systemUser();
  /** Who has a scope open shares it, and hears what any other does. */
  readonly availability = new StoreAvailability(this);
  readonly telling: Telling;
  readonly #stores = new Map<string, Promise<Storage>>();
  readonly #opened = new WeakMap<Storage, WorkerStore>();
  readonly #meters: StoreMeters;
  #catalog: Promise<Catalog> | undefined;
  #objects: Promise<ObjectVerbs> | undefined;
  #described: Stores | undefined;
  readonly #ownTools: readonly OwnTransferTool[];
  #tools: Promise<readonly TransferTool[]> | undefined;
  #externals: Promise<TransferTools> | undefined;
  readonly #health = new StoreHealth(systemClock);
  readonly #operations = new OperationIds(systemClock, systemRandom);

  constructor(configuration: Configuration, telling: Telling = {}, ownTools: readonly OwnTransferTool[] = []) {
    checkOwnTools(configuration, ownTools);
    this.#ownTools = ownTools;
    this.configuration = configuration;
    this.telling = telling;
    this.#meters = new StoreMeters(telling.info);
  }

  /** Opened with the first use: a command that needs none does not make one. */
  catalog(): Promise<Catalog> {
    this.#catalog ??= openCatalog(this.configuration.catalog);
    return this.#catalog;
  }

  /** The verbs on objects: one set, so that all scopes share what is known of the stores' health. */
  objects(): Promise<ObjectVerbs> {
    this.#objects ??= this.catalog().then((catalog) => {
      // What nobody waits for is kept with the catalog's events; when even that fails there is nobody left to tell.
      const events = { report: (event: NewEvent) => void catalog.recordEvents([event]).catch(() => undefined) };
      return bindObjectVerbs({
        catalog,
        clock: this.clock,
        random: this.random,
        processes: this.processes,
        events,
        stores: this.stores(),
        defaults: this.#defaults,
        telling: this.telling,
      });
    });
    return this.#objects;
  }

  get #defaults(): DefaultPolicies {
    return { ...(this.configuration.defaultPolicy ?? NO_DEFAULTS), account: this.user.name };
  }

  /** The stores as rules and transfers use them. */
  stores(): Stores {
    this.#described ??= describeStores(this.configuration, (profile) => this.openStore(profile));
    return this.#described;
  }

  /** Of all workers together, as this configuration says. */
  transferLimits(): TransferLimits | undefined {
    return transferLimitsOf(this.stores(), this.configuration.activities ?? [], (name) => this.#placesOf(name)[0]);
  }

  /** What is asked about single objects and rules. No store is opened. */
  async ruleDesk(): Promise<RuleDesk> {
    const { bindRuleDesk } = await import('./engine/explain/rule-desk.ts');
    const { clock, configuration } = this;
    const catalog = await this.catalog();
    const stores = this.stores();
    const sourceOf = (scope: string): string | undefined => {
      const profile = findProfile(configuration, scope);
      return profile === undefined ? undefined : storePlace(profile.storage);
    };
    const surroundings = { topology: describeTopology(stores), limits: this.transferLimits(), sourceOf };
    return bindRuleDesk({ catalog, clock, stores, clientSite: configuration.site, ...surroundings });
  }

  /** The catalog knows all stores from then on. */
  async declareStores(): Promise<Stores> {
    const stores = this.stores();
    await declareStores(await this.catalog(), stores);
    return stores;
  }

  /** What rules are carried out with. */
  async rulePorts(options: PoolOptions = {}): Promise<RuleWorkPorts> {
    const ports = await this.uploadPorts();
    this.#tools ??= this.#openLocalTool(options);
    this.#externals ??= TransferTools.open(this.configuration, this.#ownTools);
    const { externals } = await this.#externals;
    const topology = describeTopology(ports.stores);
    return { ...ports, tools: await this.#tools, externals, topology, limits: this.transferLimits() };
  }

  /** What files are uploaded with. */
  async uploadPorts() {
    const stores = await this.declareStores();
    const catalog = await this.catalog();
    return {
      catalog,
      clock: this.clock,
      random: this.random,
      processes: this.processes,
      operations: this.#operations,
      health: this.#health,
      events: { report: (event: NewEvent) => void catalog.recordEvents([event]).catch(() => undefined) },
      stores,
      defaults: this.#defaults,
      clientSite: this.configuration.site,
      telling: this.telling,
    };
  }

  /** What processes of this host had in hand when they ended is due at once. */
  async endDeadClaims(): Promise<number> {
    const { endDeadClaims } = await import('./engine/end-dead-claims.ts');
    return endDeadClaims({ catalog: await this.catalog(), processes: this.processes });
  }

  async keepRules(args: KeepRules, options?: PoolOptions): Promise<CarriedOut> {
    const { keepRules } = await import('./engine/rules/keep-rules.ts');
    return keepRules(await this.rulePorts(options), args);
  }

  /** A tool over all ways to all stores; one that cannot be opened here is left to others. */
  async #openLocalTool(options: PoolOptions): Promise<readonly TransferTool[]> {
    const opened: Storage[] = [];
    const places: string[] = [];
    for (const { name, protocols } of this.stores().values()) {
      for (const protocol of protocols) {
        try {
          opened.push(await protocol.open());
          places.push(protocol.place);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          this.telling.info?.('a store cannot be opened here', { store: name, protocol: protocol.name, why });
        }
      }
    }
    const [first] = opened;
    if (first === undefined) return [];
    const { LocalTool } = await import('./transfer-tools/local/local-tool.ts');
    return [new LocalTool({ pool: await this.#openPool([first, ...opened], options), stores: places, readBack: true })];
  }

  profile(name: string): Profile | undefined {
    return findProfile(this.configuration, name);
  }

  readonly #placesOf = (name: string): readonly string[] => {
    const profile = this.profile(name);
    return profile === undefined ? [] : [profile, ...profile.protocols].map(({ storage }) => storePlace(storage));
  };

  async openStore(profile: Profile, { symlinks = 'follow' }: StoreOptions = {}): Promise<Storage> {
    const place = storePlace(profile.storage);
    const id = JSON.stringify([place, symlinks, profile.durability, profile.bandwidth, profile.bandwidthFrom]);
    let opening = this.#stores.get(id);
    if (opening === undefined) {
      opening = this.#openStore({ profile, open: { place, blocking: false, symlinks, workers: 1 } });
      this.#stores.set(id, opening);
    }
    return await opening;
  }

  async #openStore({ profile, open }: WorkerStore): Promise<Storage> {
    const shared = { ...open, ...openLedgers(profile, this.#placesOf) };
    const storage = await openStorage(profile, shared, {
      onRetry: ({ message }, attempt) => this.#tellRetry(message, attempt),
      meter: this.#meters.of(open.place),
    });
    this.telling.info?.('store opened', { store: profile.title ?? profile.name, place: open.place });
    this.#opened.set(storage, { profile, open: shared });
    return storage;
  }

  #tellRetry(why: string, attempt: number): void {
    this.telling.info?.('a store failed and is asked once more', { attempt, why });
  }

  /** The scope of a profile with all its stores open, known to the catalog. */
  async openScope(profile: Profile): Promise<OpenedScope> {
    const source = await this.openStore(profile);
    const replicas = await Promise.all(
      profile.replicas.map(async ({ profile: name, readPriority }) => {
        const replica = this.profile(name);
        if (replica === undefined) throw new Error(`${profile.name}: the profile ${name} does not exist`);
        return { title: name, priority: readPriority, isMirror: true, storage: await this.openStore(replica) };
      }),
    );
    const { name, consistency, deadlineMs } = profile;
    // Of a profile that names no replica any more the rule is none, and the last of it ends.
    await this.declareScope(profile, { source, replicas, standing: this.profile(name) !== undefined });
    const openElsewhere = (place: string): Promise<Storage | undefined> => this.#openPlace(place);
    const openPlaced = (place: string): Promise<Storage | undefined> =>
      this.catalog().then((catalog) => openToRead(catalog, this.stores(), place));
    const availability = await this.availability.refresh();
    return { name, title: name, source, replicas, openElsewhere, openPlaced, availability, consistency, deadlineMs };
  }

  async #openPlace(place: string): Promise<Storage | undefined> {
    const profile = profileOfRecordedPlace(place, this.configuration);
    const catalog = await this.catalog();
    return profile && (await this.openStore(callAsRecorded(profile, place, await catalog.readStoreUse())));
  }

  /** The scope of a place that no profile names, as the catalog recorded it; undefined where it cannot be opened any more. */
  async openUnnamedScope(name: string, place: string): Promise<OpenedScope | undefined> {
    const profile = profileOfRecordedPlace(place, this.configuration);
    return profile?.name === name ? await this.openScope(profile) : undefined;
  }

  /** Tells the catalog of a profile's scope and of stores with copies of it; with `standing` these are its rule. */
  async declareScope(profile: Profile, stores: ScopeStores): Promise<void> {
    await declareScope(await this.catalog(), profile, stores);
  }

  /** Fails with a `ConfigurationError` where the catalog knows the profile's objects from another place. Writes nothing. */
  async checkSource(profile: Profile): Promise<void> {
    await checkSource(await this.catalogAsItIs(), profile);
  }

  /** Whether the place is there; of a store on another machine that is not asked here. */
  hasPlace({ storage }: Profile): boolean {
    return storage.type !== 'file' || existsSync(storage.basePath);
  }

  /** Makes sure a sync can write to a place that need not exist yet. Fails with a `StorageError`. */
  async prepareTarget({ name, title, storage }: Profile): Promise<void> {
    if (storage.type !== 'file') return;
    const { makeRoot } = await import('./storage/file/make-root.ts');
    makeRoot(storage.basePath, title ?? name);
  }

  async syncPorts(options: PoolOptions): Promise<SyncPorts> {
    return {
      catalog: await this.catalog(),
      clock: this.clock,
      random: this.random,
      processes: this.processes,
      telling: this.telling,
      openScratch: () => openSystemScratch(),
      openPool: (source, targets, asked) => this.#openPool([source, ...targets], options, asked),
    };
  }

  /** Begins at once what a sync of these would wait for one after the other: the catalog, its own code, threads that list. */
  expectSync(profiles: readonly Profile[]): void {
    const listed = profiles.flatMap(({ storage }) => (storage.type === 'file' ? storage.basePath : []));
    const begun = [
      this.catalog(),
      import('./engine/sync/sync-replicas.ts'),
      import('./storage/file/listing.ts').then(({ warmListings }) => warmListings(listed)),
    ];
    // What fails is told where it is needed.
    Promise.all(begun).catch(() => undefined);
  }

  /** A bulk sync. A dry run makes nothing: where there is no catalog yet, it goes by an empty one in memory. */
  async sync(args: SyncReplicas, options: PoolOptions): Promise<SyncResult> {
    const { syncReplicas } = await import('./engine/sync/sync-replicas.ts');
    if (args.options.dryRun) await this.catalogAsItIs();
    return syncReplicas(await this.syncPorts(options), args);
  }

  /** Reads all copies again. It needs no lease: what changes meanwhile is told apart by its token. */
  async verify(args: VerifyReplicas, options: PoolOptions): Promise<VerifyResult> {
    const { verifyReplicas } = await import('./engine/verify/verify-replicas.ts');
    return verifyReplicas(await this.syncPorts(options), args);
  }

  /** Audits of stores, and plans about them. */
  storeDesk(): StoreDesk {
    const openPool = (storage: Storage) => this.#openPool([storage], {});
    return new StoreDesk(this, { openPool, health: this.#health, telling: this.telling });
  }

  /** For what writes nothing: where there is no catalog yet, none is made, and an empty one in memory stands for it. */
  catalogAsItIs(): Promise<Catalog> {
    this.#catalog ??= openCatalog(existingCatalog(this.configuration.catalog));
    return this.#catalog;
  }

  /** Threads or processes of this process; or whoever takes the pages from the catalog. */
  async #openPool(stores: readonly Storage[], options: PoolOptions, asked?: PoolOfSync): Promise<CopyPool> {
    const parts = this.#poolParts(stores);
    if (options.executionMode !== 'workers' || asked === undefined || !areShareable(parts.opened))
      return openLocalPool(parts, options);
    const { openQueuePool } = await import('./open-queue-pool.ts');
    const { clock, processes } = this;
    return openQueuePool(
      { catalog: await this.catalog(), clock, processes, telling: this.telling, operations: this.#operations },
      { parts, options, asked },
    );
  }

  /** Carries out pages of bulk syncs that others run in this catalog, of stores that profiles name here. Returns how many. */
  async carryOutPages(args: Omit<CarryOutPages, 'openJob'>, options: PoolOptions = {}): Promise<number> {
    const { carryOutJobs, openPageJob } = await import('./open-queue-pool.ts');
    const catalog = await this.catalog();
    const openJob = async (job: PageJob) =>
      openPageJob({ catalog, configuration: this.configuration, telling: this.telling }, job, {
        openStore: (profile, open) => this.openStore(profile, open),
        openPool: (stores) => openLocalPool(this.#poolParts(stores), options),
      });
    return carryOutJobs({ catalog, clock: this.clock, telling: this.telling }, { ...args, openJob });
  }

  #poolParts(stores: readonly Storage[]): PoolParts {
    return {
      stores,
      opened: stores.map((storage) => this.#opened.get(storage)),
      clock: this.clock,
      availability: this.availability,
      isMetered: this.telling.info !== undefined,
      onRetry: (message, attempt) => this.#tellRetry(message, attempt),
      meterOf: (place) => this.#meters.of(place),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#objects)?.settle();
    this.#objects = undefined;
    for (const tool of (await this.#tools) ?? []) await tool[Symbol.asyncDispose]();
    await (await this.#externals)?.[Symbol.asyncDispose]();
    this.#tools = undefined;
    this.#externals = undefined;
    for (const store of this.#stores.values()) await (await store)[Symbol.asyncDispose]();
    this.#stores.clear();
    this.#meters.tellUse();
    await (await this.#catalog)?.[Symbol.asyncDispose]();
    this.#catalog = undefined;
  }
}

/** The default policy is on nowhere unless it is configured. */
const NO_DEFAULTS = { scopes: [], maxBytes: 0 };
