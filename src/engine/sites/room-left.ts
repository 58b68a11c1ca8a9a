import type { Catalog } from '../../ports/catalog.ts';
import type { Clock } from '../../ports/clock.ts';

export interface RoomPorts {
  readonly catalog: Pick<Catalog, 'status'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Counting what lies in a store costs a look at all copies: in between, what is written is added up. */
const COUNTED_MS_MAX = 10 * 60_000;
/** A store that seems full is counted again, but not for each who comes. */
const FULL_COUNTED_MS_MAX = 5_000;

/** How much more the site's own store may take: its limit, less what lies there and what is on its way. */
export class RoomLeft {
  readonly #ports: RoomPorts;
  readonly #place: string;
  readonly #bytesMax: number;
  #usedBytes = 0;
  #countedMs = Number.NEGATIVE_INFINITY;
  #counting: Promise<void> | undefined;

  constructor(ports: RoomPorts, { place, bytesMax }: { readonly place: string; readonly bytesMax: number }) {
    this.#ports = ports;
    this.#place = place;
    this.#bytesMax = bytesMax;
  }

  /** Takes so many bytes of the room; false: there are not as many. */
  async take(bytes: number): Promise<boolean> {
    if (this.#ageMs > COUNTED_MS_MAX) await this.#count();
    if (this.#usedBytes + bytes > this.#bytesMax && this.#ageMs > FULL_COUNTED_MS_MAX) await this.#count();
    if (this.#usedBytes + bytes > this.#bytesMax) return false;
    this.#usedBytes += bytes;
    return true;
  }

  /** What was taken and is not needed. */
  give(bytes: number): void {
    this.#usedBytes = Math.max(0, this.#usedBytes - bytes);
  }

  get #ageMs(): number {
    return this.#ports.clock.monotonicMs() - this.#countedMs;
  }

  #count(): Promise<void> {
    this.#counting ??= this.#countNow().finally(() => {
      this.#counting = undefined;
    });
    return this.#counting;
  }

  async #countNow(): Promise<void> {
    const askedMs = this.#ports.clock.monotonicMs();
    const before = this.#usedBytes;
    const { replicas } = await this.#ports.catalog.status();
    const counted = replicas.filter(({ store }) => store === this.#place).reduce((sum, { bytes }) => sum + bytes, 0);
    // What was taken meanwhile may have been counted or not.
    this.#usedBytes = counted + Math.max(0, this.#usedBytes - before);
    this.#countedMs = askedMs;
  }
}
