import { escapeKey } from '../domain/object/key.ts';
import type { KeyFilter } from '../domain/transfer/key-filter.ts';
import type { SyncFailure, SyncResult } from '../engine/sync/sync-types.ts';

/** A list of names, watched while a sync goes through the source: what it never met was asked for in vain. */
export interface WatchedNames {
  readonly filter: KeyFilter;
  /** The result with every name the source does not have as a failure. */
  addAbsent(result: SyncResult): SyncResult;
}

export function watchNames(filter: KeyFilter, names: ReadonlySet<string> | undefined): WatchedNames {
  if (names === undefined) return { filter, addAbsent: (result) => result };
  const met = new Set<string>();
  return {
    filter: {
      ...filter,
      admitsAll: false,
      admits(object) {
        met.add(object.key);
        return filter.admits(object);
      },
    },
    addAbsent(result) {
      const absent = [...names].filter((name) => !met.has(name) && filter.judge(name) === 'included');
      if (absent.length === 0 || result.state === 'interrupted') return result;
      const { source, failures } = result;
      return {
        ...result,
        state: result.state === 'done' ? 'failed' : result.state,
        source: { ...source, failed: source.failed + absent.length },
        failures: [...failures, ...absent.map(failureOf)],
      };
    },
  };
}

function failureOf(name: string): SyncFailure {
  const message = 'it is in the list of names, and the source does not have it';
  return { key: escapeKey(name), target: undefined, kind: 'not-found', message };
}
