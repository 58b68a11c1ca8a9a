import type { Pando } from '../compose.ts';
import type { Configuration } from '../config/configuration.ts';
import { ConfigurationError, problemOutsideFiles } from '../config/problem.ts';
import { DIFFERENCE_PERCENT_DEFAULT } from '../domain/audit/difference-limit.ts';
import type { AuditListeners, AuditOptions, AuditResult } from '../engine/audit/audit-types.ts';
import type { DarkRemoved } from '../engine/audit/remove-dark.ts';
import type { StoreAccess } from '../engine/stores/store-access.ts';
import { findStore } from './list-stores.ts';

export interface AuditAsked {
  /** Names of profiles; none: every store that mirrors nothing. */
  readonly stores: readonly string[];
  readonly options?: Partial<AuditOptions>;
  readonly listeners?: AuditListeners;
  readonly signal?: AbortSignal;
}

const DEFAULTS: AuditOptions = {
  withChecksums: false,
  repair: false,
  adopt: false,
  percentMax: DIFFERENCE_PERCENT_DEFAULT,
  anew: false,
};

/** Audits stores (docs/audit.md). Fails with a `ConfigurationError` where a name is no store, or a mirror. */
export async function auditStores(pando: Pando, asked: AuditAsked): Promise<AuditResult> {
  const { options, listeners = {}, signal = new AbortController().signal } = asked;
  const stores = chooseStores(pando, asked.stores);
  return pando.storeDesk().audit({ stores, options: { ...DEFAULTS, ...options }, listeners, signal });
}

export interface RemoveDarkAsked {
  readonly stores: readonly string[];
  readonly olderThanMs: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** Removes what audits have set aside, store by store. */
export async function removeDarkFiles(pando: Pando, asked: RemoveDarkAsked): Promise<readonly DarkRemoved[]> {
  const removed: DarkRemoved[] = [];
  for (const store of chooseStores(pando, asked.stores)) {
    if (asked.signal.aborted) break;
    const { olderThanMs, dryRun, signal } = asked;
    removed.push(await pando.storeDesk().removeDark({ access: store, olderThanMs, dryRun, signal }));
  }
  return removed;
}

function chooseStores(pando: Pando, names: readonly string[]): readonly StoreAccess[] {
  const all = [...pando.stores().values()];
  if (names.length === 0) return all.filter(({ mirrors }) => mirrors === undefined);
  return [...new Set(names)].map((name) => chooseOne(pando.configuration, all, name));
}

function chooseOne(configuration: Configuration, all: readonly StoreAccess[], name: string): StoreAccess {
  const { place } = findStore(configuration, name);
  const store = all.find((one) => one.place === place) as StoreAccess;
  if (store.mirrors === undefined) return store;
  const [first = name] = store.mirrors;
  const isSource = store.mirrors.has(name);
  const message = isSource
    ? `${name} has replicas: its files are compared with theirs`
    : `${name} mirrors ${[...store.mirrors].join(', ')}: its files are compared with their source`;
  // With the colon it is the profile, also beside a directory of that name.
  throw new ConfigurationError([problemOutsideFiles('store', message, `pando verify ${isSource ? name : first}:`)]);
}
