import type { Storage } from '../ports/storage.ts';

/** A scope with its stores open: what the engine's verbs work on. `compose.ts` makes it from a profile. */
export interface OpenedScope {
  readonly name: string;
  /** The profile's name, or the URL or path as the user wrote it. */
  readonly title: string;
  readonly source: Storage;
  /** By read priority. */
  readonly replicas: readonly OpenedReplica[];
  /**
   * A store with copies of the scope that its profile does not name: a sync named it by hand, or the profile did before. Nothing is
   * read from it; a delete goes there too. Undefined where nobody says how to reach it.
   */
  readonly openElsewhere?: (place: string) => Promise<Storage | undefined>;
  readonly consistency: 'validated' | 'current' | 'any';
  /** One attempt at a store may take so long; then the next one is asked. */
  readonly deadlineMs: number;
}

export interface OpenedReplica {
  readonly title: string;
  readonly priority: number;
  readonly storage: Storage;
}
