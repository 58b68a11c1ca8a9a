import type { Clock } from '../../ports/clock.ts';
import type { RuleCatalog } from '../../ports/rules.ts';

const TELL_EVERY_MS = 60_000;

interface FreedRoomPorts {
  readonly catalog: Pick<RuleCatalog, 'hasten'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Tells those who wait for room that some was freed: at once, and while more is freed once a minute. */
export class FreedRoom {
  readonly #ports: FreedRoomPorts;
  #isUntold = false;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(ports: FreedRoomPorts) {
    this.#ports = ports;
  }

  /** Copies that went, or claims of a rule that ended; 0: none did. */
  async tell(gone: number): Promise<void> {
    const { catalog, clock } = this.#ports;
    this.#isUntold ||= gone > 0;
    if (!this.#isUntold || clock.monotonicMs() - this.#toldMs < TELL_EVERY_MS) return;
    this.#toldMs = clock.monotonicMs();
    this.#isUntold = false;
    await catalog.hasten({ fact: 'space-freed' });
  }
}
