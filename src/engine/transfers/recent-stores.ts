import { ClosedStores } from '../../domain/store/closed-stores.ts';
import type { StoreUse } from '../../ports/rules.ts';
import { heedSaid } from '../stores/heed-said.ts';
import type { TransferSurroundings } from './plan-transfer.ts';
import type { TransferPorts } from './run-transfers.ts';

type RecentPorts = Pick<TransferPorts, 'clock' | 'stores'> & {
  readonly catalog: Pick<TransferPorts['catalog'], 'readStoreUse'>;
};

/** What is known of stores at one moment. */
export interface StoresNow extends Pick<TransferSurroundings, 'stores' | 'closed'> {
  readonly use: ReadonlyMap<string, StoreUse>;
}

/** What stores are known to hold may be so old where a transfer is planned. */
const AGE_MS_MAX = 2_000;

/** What the catalog says of stores, read again when it is old. */
export class RecentStores {
  readonly #ports: RecentPorts;
  #seen: { readonly now: StoresNow; readonly atMs: number } | undefined;

  constructor(ports: RecentPorts) {
    this.#ports = ports;
  }

  /** As it was read last, however long ago. */
  get last(): StoresNow | undefined {
    return this.#seen?.now;
  }

  async read(): Promise<StoresNow> {
    const { catalog, clock, stores } = this.#ports;
    const atMs = clock.monotonicMs();
    if (this.#seen !== undefined && atMs - this.#seen.atMs < AGE_MS_MAX) return this.#seen.now;
    const use = await catalog.readStoreUse();
    const now: StoresNow = {
      use: new Map(use.map((one) => [one.store, one])),
      stores: heedSaid(stores, use),
      closed: new ClosedStores(stores.values(), use),
    };
    this.#seen = { now, atMs };
    return now;
  }
}
