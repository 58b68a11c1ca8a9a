import type { Holder } from './catalog.ts';

/** The processes of this host, as far as leases and locks need to know them. */
export interface Processes {
  /** This process, as others find it in the catalog. */
  readonly self: Holder;
  /** True only where it is certain: a process of this host that has ended. Of another host nothing is known. */
  isDead(holder: Holder): boolean;
}
