import type { Clock } from '../ports/clock.ts';

/** What may be sent at once after a rest: a tenth of a second's worth. */
const BURST_NS = 100_000_000n;
const NS_PER_MS = 1e6;

/** Until when what was taken is paid for (ns of the monotonic clock). Threads that share one share the limit. */
export type BandwidthLedger = SharedArrayBuffer;

export function openLedger(): BandwidthLedger {
  const ledger = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  // Long before any clock began.
  new BigInt64Array(ledger)[0] = -(2n ** 62n);
  return ledger;
}

/**
 * A limit of bytes per second, kept by making each taker wait until what it took is paid for. One taker alone gets all of it;
 * several, in one thread or in many that share the ledger, get it together, in the order in which they ask.
 */
export class Bandwidth {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  readonly #paidUntilNs: BigInt64Array;

  constructor(clock: Clock, bytesPerSecond: number, ledger = openLedger()) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#paidUntilNs = new BigInt64Array(ledger);
  }

  /** Returns when `bytes` may have passed. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const nowNs = BigInt(Math.round(this.#clock.monotonicMs() * NS_PER_MS));
    const waitNs = this.#pay(nowNs, BigInt(Math.round((bytes / this.#bytesPerSecond) * 1000 * NS_PER_MS))) - nowNs;
    if (waitNs > 0n) await this.#clock.sleep(Number(waitNs) / NS_PER_MS, signal);
  }

  #pay(nowNs: bigint, costNs: bigint): bigint {
    for (;;) {
      const paidNs = Atomics.load(this.#paidUntilNs, 0);
      const restedNs = nowNs - BURST_NS;
      const untilNs = (paidNs > restedNs ? paidNs : restedNs) + costNs;
      if (Atomics.compareExchange(this.#paidUntilNs, 0, paidNs, untilNs) === paidNs) return untilNs;
    }
  }
}
