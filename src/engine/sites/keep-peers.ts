import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Peer } from '../../ports/journal.ts';
import { Wakes } from './wakes.ts';

export interface KeepPeersPorts {
  readonly catalog: Pick<Catalog, 'listPeers' | 'onDue'>;
  readonly clock: Clock;
  /** Sends to the peer until the signal is aborted. */
  readonly send: (peer: Peer, signal: AbortSignal) => Promise<void>;
}

/** Peers are added and removed while streams run: so often they are looked at. */
const LOOK_MS = 1_000;

interface Stream {
  readonly url: string;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** One stream for each peer that is told of changes, as long as it is one. Ends when the signal is aborted, and all streams have. */
export async function keepPeers({ catalog, clock, send }: KeepPeersPorts, signal: AbortSignal): Promise<void> {
  const streams = new Map<string, Stream>();
  const ended = Promise.withResolvers<never>();
  // Heard below, where somebody waits.
  ended.promise.catch(() => undefined);
  using wakes = new Wakes({ onDue: () => () => undefined }, clock);
  try {
    while (!signal.aborted) {
      const peers = (await catalog.listPeers()).filter(
        ({ direction, url }) => direction !== 'receive' && url !== undefined,
      );
      for (const [name, stream] of streams) {
        if (peers.some((peer) => peer.name === name && peer.url === stream.url)) continue;
        stream.stop.abort();
        streams.delete(name);
      }
      for (const peer of peers) {
        if (streams.has(peer.name)) continue;
        const stop = new AbortController();
        const done = send(peer, AbortSignal.any([signal, stop.signal]));
        done.catch((error: unknown) => ended.reject(error));
        streams.set(peer.name, { url: peer.url ?? '', stop, done });
      }
      await Promise.race([wakes.wait(LOOK_MS, signal), ended.promise]);
    }
  } finally {
    for (const { stop } of streams.values()) stop.abort();
    await Promise.allSettled([...streams.values()].map(({ done }) => done));
  }
}
