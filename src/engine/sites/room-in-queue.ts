import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';

export interface RoomInQueuePorts {
  readonly catalog: Pick<Catalog, 'countBacklog'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

export interface RoomInQueueOptions {
  readonly peer: string;
  /** The comparison makes the queue no longer than this. */
  readonly entriesMax: number;
  readonly signal: AbortSignal;
}

const LOOK_MS = 1_000;

/** How many more entries may be queued for a peer by a comparison: a few at once at least, so that it comes to its end. */
export class RoomInQueue {
  readonly #ports: RoomInQueuePorts;
  readonly #options: RoomInQueueOptions;
  #left = 0;

  constructor(ports: RoomInQueuePorts, options: RoomInQueueOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Waits until the peer has taken enough, or the signal is aborted. */
  async take(entries: number): Promise<void> {
    const { peer, entriesMax, signal } = this.#options;
    while (this.#left < entries && !signal.aborted) {
      const waiting = await this.#ports.catalog.countBacklog(peer, entriesMax);
      this.#left = waiting === 0 ? Math.max(entries, entriesMax) : entriesMax - waiting;
      if (this.#left < entries) await this.#ports.clock.sleep(LOOK_MS, signal).catch(() => undefined);
    }
    this.#left -= entries;
  }
}
