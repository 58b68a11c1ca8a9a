import type { Profile } from './config/configuration.ts';
import type { BandwidthFrom, OpenStore, PaceFrom, WorkerStore } from './open-storage.ts';
import { Bandwidth, openLedger } from './storage/bandwidth.ts';
import type { Clock } from './ports/clock.ts';
import type { PaceBetween } from './engine/sync/paced.ts';

/** What all who use a store of this process share, to keep its bandwidths together. `placesOf`: of a profile, by all its protocols. */
export function openLedgers(
  { bandwidth, bandwidthFrom }: Profile,
  placesOf: (name: string) => readonly string[],
): Pick<OpenStore, 'ledger' | 'from'> {
  const from = Object.entries(bandwidthFrom).flatMap(([name, bytesPerSecond]): BandwidthFrom[] => {
    const ledger = openLedger();
    return placesOf(name).map((place) => ({ place, bytesPerSecond, ledger }));
  });
  return { ...(bandwidth === undefined ? {} : { ledger: openLedger() }), ...(from.length === 0 ? {} : { from }) };
}

/** For processes, which share no memory: each has an even part. */
export function divideBandwidths(open: OpenStore, workers: number): Pick<OpenStore, 'ledger' | 'from'> {
  const from = open.from?.map((one) => ({ ...one, bytesPerSecond: one.bytesPerSecond / workers, ledger: undefined }));
  return { ledger: undefined, from };
}

/** What limits copies between the stores of a pool, its source first. */
export function pacesOf(stores: readonly (WorkerStore | undefined)[]): readonly PaceFrom[] {
  const [, ...targets] = stores;
  return targets.flatMap((to, target) =>
    (to?.open.from ?? []).flatMap((from) =>
      stores.flatMap((one, store): PaceFrom[] => (one?.open.place === from.place ? [{ ...from, store, target }] : [])),
    ),
  );
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
