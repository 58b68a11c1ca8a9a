import type { Profile } from './config/configuration.ts';
import type { PaceFrom, OpenStore, WorkerStore } from './open-storage.ts';
import { Bandwidth, openLedger } from './storage/bandwidth.ts';
import type { Clock } from './ports/clock.ts';
import type { PaceBetween } from './engine/sync/paced.ts';

/** What all who use a store of this process share, to keep its bandwidths together. */
export function openLedgers({ bandwidth, bandwidthFrom }: Profile): Pick<OpenStore, 'ledger' | 'ledgersFrom'> {
  const names = Object.keys(bandwidthFrom);
  return {
    ...(bandwidth === undefined ? {} : { ledger: openLedger() }),
    ...(names.length === 0
      ? {}
      : { ledgersFrom: Object.fromEntries(names.map((name) => [name, openLedger()] as const)) }),
  };
}

/** What limits copies between the stores of a pool, its source first, of so many workers that share no memory where there is no ledger. */
export function pacesOf(stores: readonly (WorkerStore | undefined)[], workers: number): readonly PaceFrom[] {
  const [, ...targets] = stores;
  return targets.flatMap((target, index) => {
    if (target === undefined) return [];
    const { profile, open } = target;
    return Object.entries(profile.bandwidthFrom).flatMap(([name, rate]): PaceFrom[] => {
      const ledger = open.ledgersFrom?.[name];
      const bytesPerSecond = ledger === undefined ? rate / workers : rate;
      return stores.flatMap((from, store) =>
        from?.profile.name === name ? [{ store, target: index, bytesPerSecond, ledger }] : [],
      );
    });
  });
}

export function openPaces(clock: Clock, paces: readonly PaceFrom[]): PaceBetween | undefined {
  if (paces.length === 0) return undefined;
  const opened = paces.map(({ store, target, bytesPerSecond, ledger }) => ({
    store,
    target,
    pace: new Bandwidth(clock, bytesPerSecond, ledger),
  }));
  return (store, target) => opened.find((one) => one.store === store && one.target === target)?.pace;
}
