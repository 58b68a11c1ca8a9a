import type { Storage } from '../ports/storage.ts';
import type { StoreAvailability } from './stores/store-availability.ts';

/** A scope with its stores open: what the engine's verbs work on. */
export interface ObjectScope {
  readonly name: string;
  /** The profile's name, or the URL or path as the user wrote it. */
  readonly title: string;
  /**
   * The store whose bytes *are* the objects, whoever wrote them. Undefined: there is none; objects come by upload, and the catalog
   * says what they are.
   */
  readonly source: Storage | undefined;
  /** By read priority. */
  readonly replicas: readonly OpenedReplica[];
  /**
   * A store with copies of the scope that its profile does not name: a sync named it by hand, or the profile did before. Nothing is
   * read from it; a delete goes there too. Undefined where nobody says how to reach it.
   */
  readonly openElsewhere?: (place: string) => Promise<Storage | undefined>;
  /**
   * A store with copies of the scope's objects that rules placed: a read asks it when all stores of the scope have failed. Undefined
   * where it is not to be read from, or cannot be reached from here.
   */
  readonly openPlaced?: (place: string) => Promise<Storage | undefined>;
  /** What stores are to be asked for now; absent: for everything. */
  readonly availability?: Pick<StoreAvailability, 'whyNot' | 'closedFor'> & {
    readonly refresh?: () => Promise<unknown>;
    /** Heard again where it was heard a while ago: to be waited for directly before something is published. */
    readonly hear?: () => Promise<unknown>;
  };
  readonly consistency: 'validated' | 'current' | 'any';
  /** One attempt at a store may take so long; then the next one is asked. */
  readonly deadlineMs: number;
}

/** The scope of a profile, whose store is the source. `compose.ts` makes it. */
export interface OpenedScope extends ObjectScope {
  readonly source: Storage;
}

export function hasSource(scope: ObjectScope): scope is OpenedScope {
  return scope.source !== undefined;
}

export interface OpenedReplica {
  readonly title: string;
  /** Keeps every object of the scope, so that what a read finds it without is brought there. */
  readonly isMirror: boolean;
  readonly priority: number;
  readonly storage: Storage;
}
