import { Pando } from '../compose.ts';
import type { Configuration, Profile } from '../config/configuration.ts';
import { storePlace } from '../config/place.ts';
import { describeOwner } from '../domain/transfer/claim-owner.ts';
import { EVERYTHING } from '../domain/transfer/key-filter.ts';
import { DEFAULT_DELETE_LIMIT } from '../domain/transfer/delete-limit.ts';
import type { SyncResult } from '../engine/sync/sync-types.ts';
import type { ClientSession, SyncReplicasOptions } from './client-session.ts';
import { makeRules } from './make-rules.ts';
import { PartFiles } from './part-files.ts';
import { syncTrees } from './sync-trees.ts';

/** Opens a profile for one client, which closes it. */
export async function openSession(configuration: Configuration, profile: Profile): Promise<ClientSession> {
  const pando = new Pando(configuration);
  try {
    const session = await shareSession(pando, profile);
    return { ...session, [Symbol.asyncDispose]: () => pando[Symbol.asyncDispose]() };
  } catch (error) {
    await pando[Symbol.asyncDispose]();
    throw error;
  }
}

/** A profile of a Pando that is open and stays so when the session is closed. */
export async function shareSession(pando: Pando, profile: Profile): Promise<ClientSession> {
  return {
    scope: await pando.openScope(profile),
    objects: await pando.objects(),
    parts: new PartFiles(pando.processes),
    catalog: await pando.catalog(),
    clock: pando.clock,
    hasPlace: (place) => {
      const there = Object.values(pando.configuration.profiles).find(({ storage }) => storePlace(storage) === place);
      return there === undefined || pando.hasPlace(there);
    },
    owner: describeOwner(pando.processes.self),
    syncReplicas: (options) => syncReplicas(pando, profile, options),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function syncReplicas(pando: Pando, profile: Profile, options: SyncReplicasOptions): Promise<SyncResult> {
  const { sourcePath = '', patterns = [], ignoreHidden = false, signal } = options;
  return await syncTrees(pando, {
    source: { profile, path: sourcePath },
    replicaIndices: options.replicaIndices,
    filter: { ...EVERYTHING, rules: makeRules(patterns), ignoreHidden },
    comparison: options.comparison ?? 'version',
    deleteUnmatched: options.deleteUnmatchedFiles ?? false,
    allowEmptySource: options.allowEmptySource,
    deleteLimit: options.deleteLimit ?? DEFAULT_DELETE_LIMIT,
    verify: options.verify,
    dryRun: options.dryRun ?? false,
    wait: options.wait ?? false,
    workerProcesses: options.numWorkerProcesses,
    executionMode: options.executionMode,
    transfers: options.transfers,
    listeners: options.listeners ?? {},
    signal: signal ?? new AbortController().signal,
  });
}
