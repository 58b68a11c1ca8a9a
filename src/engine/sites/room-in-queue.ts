import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';

export interface RoomInQueuePorts {
  readonly catalog: Pick<Catalog, 'countBacklog'>;
  readonly clock: Pick<Clock, 'sleep'>;
}

export interface RoomInQueueOptions {
  readonly peer: string;
  /** A comparison makes the queue no longer than this. */
  readonly entriesMax: number;
  readonly signal: AbortSignal;
}

const LOOK_MS = 1_000;

/** How much more a comparison may queue for a peer: what it finds must not become too much again before the peer has taken some. */
export class RoomInQueue {
  readonly #ports: RoomInQueuePorts;
  readonly #options: RoomInQueueOptions;
  #left = 0;

  constructor(ports: RoomInQueuePorts, options: RoomInQueueOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** How many of these entries may be queued now: at least one, unless the signal is aborted. */
  async take(entries: number): Promise<number> {
    const { peer, entriesMax, signal } = this.#options;
    while (this.#left <= 0 && !signal.aborted) {
      this.#left = entriesMax - (await this.#ports.catalog.countBacklog(peer, entriesMax));
      if (this.#left <= 0) await this.#ports.clock.sleep(LOOK_MS, signal).catch(() => undefined);
    }
    const taken = Math.min(entries, Math.max(0, this.#left));
    this.#left -= taken;
    return taken;
  }
}
