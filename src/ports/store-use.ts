export interface StoreUse {
  readonly store: string;
  readonly title: string;
  /** Of copies placed by rules and uploads; also of those on their way out. */
  readonly completedBytes: number;
  readonly inFlightBytes: number;
  /** Of which are on their way out. */
  readonly leavingBytes: number;
  /** Copies to it that rules asked for and that are not there yet. */
  readonly pendingRequests: number;
  /** Transfers to it in the last day, by source place. */
  readonly recent: readonly { readonly source: string; readonly succeeded: number; readonly failed: number }[];
  readonly said: StoreSaid;
  /** It does not answer, as far as a worker knows; `areCopiesUnavailable`: for so long that rules have their copies elsewhere. */
  readonly away: { readonly sinceMs: number; readonly areCopiesUnavailable: boolean } | undefined;
  /** Scopes with objects whose source it is: what lies there and is not known is a new object of these, not a stray file. */
  readonly sourceOf: readonly string[];
}

export interface OpenStore {
  readonly store: string;
  readonly title: string;
  /** For copies that rules and uploads place; undefined: no limit. */
  readonly allocatedBytes: number | undefined;
}

export interface StoreSaid {
  /** What is not said of it stays as it was said before; null: nothing is said any more. */
  readonly availability?: { readonly read?: boolean; readonly write?: boolean; readonly delete?: boolean } | null;
  /** Copied from what the store accepts, so that transactions can hold to it; null: no limit. */
  readonly allocatedBytes?: number | null;
  /** By `moveStore`, of the old place: for whoever was begun with a configuration from before. Over when the place is called otherwise. */
  readonly movedTo?: { readonly place: string; readonly title: string };
}
