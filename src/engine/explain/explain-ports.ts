import type { Topology } from '../../domain/transfer/find-route.ts';
import { type TransferLimits, TransfersInHand } from '../../domain/transfer/transfer-limits.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { StoreUse } from '../../ports/rules.ts';
import { ClosedStores } from '../../domain/store/closed-stores.ts';
import { heedSaid } from '../stores/heed-said.ts';
import { findMarked } from './store-marks.ts';
import { findUnreadable } from './unreadable-stores.ts';
import type { Stores } from '../stores/store-access.ts';

/** What is needed to say why things are as they are. Nothing is opened and nothing is written. */
export interface ExplainPorts {
  readonly catalog: Catalog;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly stores: Stores;
  readonly topology: Topology;
  /** Of transfers of all workers together; undefined: none. */
  readonly limits?: TransferLimits | undefined;
  /** Where this machine stands. */
  readonly clientSite: string | undefined;
  /** Place of the source of a scope; undefined: it has none, or nobody here knows. */
  readonly sourceOf: (scope: string) => string | undefined;
}

/** Stores as they are known at one moment. */
export interface StoresSeen {
  /** With what was said of them. */
  readonly stores: Stores;
  readonly closed: ClosedStores;
  readonly use: readonly StoreUse[];
  readonly useOf: (place: string) => StoreUse | undefined;
  readonly nameOf: (place: string) => string;
  /** Why a copy that could be made now is not made, where that is a limit of its store. */
  readonly whyNotTo: (place: string) => string | undefined;
  /** Why the copies at a store cannot be read now, as far as that is known. */
  readonly whyNotFrom: (place: string) => string | undefined;
  /** What is to be known beside each copy at a store, in a few words each. */
  readonly marksAt: (place: string) => readonly string[];
  readonly nowMs: number;
}

export async function seeStores({ catalog, clock, stores, limits }: ExplainPorts): Promise<StoresSeen> {
  const use = await catalog.readStoreUse();
  const inHand = limits === undefined ? undefined : new TransfersInHand(limits, await catalog.readTransfersInHand());
  const heeded = heedSaid(stores, use);
  const audits = await catalog.listAudits();
  const unreadable = findUnreadable(heeded, { audits, use });
  const marked = findMarked(heeded, { audits, use });
  const byPlace = new Map(use.map((one) => [one.store, one]));
  return {
    stores: heeded,
    closed: new ClosedStores(stores.values(), use),
    use,
    useOf: (place) => byPlace.get(place),
    whyNotTo: (place) => inHand?.whyNotTo(place),
    whyNotFrom: (place) => unreadable.get(place)?.why,
    marksAt: (place) => marked.get(place)?.marks ?? [],
    nowMs: clock.nowMs(),
    nameOf: (place) => stores.get(place)?.name ?? byPlace.get(place)?.title ?? place,
  };
}
