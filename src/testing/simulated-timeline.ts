import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../ports/clock.ts';

interface Happening {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void;
  isCancelled: boolean;
}

export interface ClockOptions {
  /** Added to the wall time. */
  readonly skewMs?: number;
  /** False from the moment on at which whoever looks at this clock is dead: nothing happens for it any more. */
  readonly isAlive?: () => boolean;
}

const START_MS = 1_700_000_000_000;

/**
 * What happens in a simulation and when, in whole milliseconds; what happens at one moment, in the order in which it was planned. Between
 * two happenings everything that was set off has run, and nothing waits for the world outside.
 */
export class SimulatedTimeline {
  #ms = 0;
  #order = 0;
  /** A heap, by time and order. */
  readonly #planned: Happening[] = [];
  readonly #outside = countResources();

  /** Since the beginning. */
  get elapsedMs(): number {
    return this.#ms;
  }

  /** Returns how to take it back. */
  after(ms: number, happen: () => void): () => void {
    const one = { atMs: this.#ms + Math.max(0, Math.round(ms)), order: this.#order++, happen, isCancelled: false };
    this.#push(one);
    return () => {
      one.isCancelled = true;
    };
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve));
  }

  /** The next happening and all it sets off; false where there is none up to `untilMs`, which it is then. */
  async step(untilMs: number): Promise<boolean> {
    for (let next = this.#planned[0]; next !== undefined && next.atMs <= untilMs; next = this.#planned[0]) {
      this.#pop();
      if (next.isCancelled) continue;
      this.#ms = next.atMs;
      next.happen();
      await this.settle();
      return true;
    }
    this.#ms = Math.max(this.#ms, untilMs);
    return false;
  }

  /** Runs what was set off. */
  async settle(): Promise<void> {
    // Microtasks run before the next turn of the loop.
    await setImmediate();
    if (process.getActiveResourcesInfo().length > this.#outside.length) this.#complain();
  }

  /** A clock on this timeline. */
  clock({ skewMs = 0, isAlive = () => true }: ClockOptions = {}): Clock {
    const alarm = (ms: number, ring: () => void): (() => void) =>
      this.after(ms, () => {
        if (isAlive()) ring();
      });
    return {
      nowMs: () => START_MS + this.#ms + skewMs,
      monotonicMs: () => this.#ms,
      alarm,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted === true) return reject(signal.reason);
          const abort = (): void => {
            takeBack();
            reject(signal?.reason);
          };
          const takeBack = alarm(ms, () => {
            signal?.removeEventListener('abort', abort);
            resolve();
          });
          signal?.addEventListener('abort', abort, { once: true });
        }),
    };
  }

  #complain(): void {
    const waiting = countResources();
    const more = waiting.filter((kind) => count(waiting, kind) > count(this.#outside, kind));
    if (more.length > 0)
      throw new Error(`the simulation waits for the world outside: ${[...new Set(more)].join(', ')} is pending`);
  }

  #push(one: Happening): void {
    const heap = this.#planned;
    let at = heap.length;
    heap.push(one);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(one, heap[parent] as Happening)) break;
      heap[at] = heap[parent] as Happening;
      at = parent;
    }
    heap[at] = one;
  }

  #pop(): void {
    const heap = this.#planned;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Happening, heap[child] as Happening)) child++;
      if (!isBefore(heap[child] as Happening, last)) break;
      heap[at] = heap[child] as Happening;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Happening, b: Happening): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function countResources(): readonly string[] {
  return process.getActiveResourcesInfo();
}

function count(kinds: readonly string[], kind: string): number {
  return kinds.filter((one) => one === kind).length;
}
