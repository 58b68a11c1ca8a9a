import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import { Interned } from './interned.ts';
import type { Slot } from './slot.ts';

/** What a process knows of its catalog between two transactions. Only what is committed may be kept here. */
export interface Known {
  readonly siteId: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this start of the machine. */
  readonly boot: string;
  readonly scopes: Interned;
  readonly stores: Interned;
  readonly actors: Interned;
  readonly slot: Slot;
}

/** After a rollback nothing learnt inside the transaction may stay. */
export function forgetLearnt(known: Known): void {
  known.scopes.forget();
  known.stores.forget();
  known.actors.forget();
  known.slot.forget();
}

export function emptyKnown(given: Pick<Known, 'siteId' | 'clock' | 'random' | 'boot' | 'slot'>): Known {
  return {
    ...given,
    scopes: new Interned('scope', 'name'),
    stores: new Interned('store', 'place'),
    actors: new Interned('actor', 'incarnation'),
  };
}
