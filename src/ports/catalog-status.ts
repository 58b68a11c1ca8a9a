import type { ObjectName } from '../domain/object/object-name.ts';
import type { ReplicaState } from '../domain/replica/replica.ts';
import type { RequestState } from '../domain/transfer/request-states.ts';
import type { RequestKind } from './catalog.ts';

/** What a catalog holds, counted. */
export interface CatalogStatus {
  readonly objects: number;
  readonly tombstones: number;
  readonly versions: number;
  readonly journalEntries: number;
  readonly replicas: readonly {
    readonly store: string;
    readonly title: string;
    readonly state: ReplicaState;
    /** Available, and not yet durable. */
    readonly soft: boolean;
    readonly count: number;
    readonly bytes: number;
  }[];
  readonly requests: readonly { readonly kind: RequestKind; readonly state: RequestState; readonly count: number }[];
  readonly intents: number;
  /** Objects of which no copy is left that could be good (docs/states.md, "Lost objects"), and some of them by name. */
  readonly lost: { readonly count: number; readonly some: readonly ObjectName[] };
}
