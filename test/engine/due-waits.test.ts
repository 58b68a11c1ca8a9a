import { describe, expect, it } from 'vitest';
import { DueWaits } from '../../src/engine/due-waits.ts';
import type { DueBell } from '../../src/ports/due-bell.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

/** A bell that the test rings. */
class HandBell implements DueBell {
  readonly #hearers = new Set<() => void>();

  get hearers(): number {
    return this.#hearers.size;
  }

  onDue(hear: () => void): () => void {
    this.#hearers.add(hear);
    return () => void this.#hearers.delete(hear);
  }

  ring(): void {
    for (const hear of this.#hearers) hear();
  }
}

const LOOK_MS = 1_000;

async function listening() {
  const clock = new SimulatedClock();
  const bell = new HandBell();
  const waits = new DueWaits(bell, clock);
  await waits.wait(LOOK_MS, undefined);
  /** How long a wait takes that begins now, with a ring every so often. */
  const waited = async (everyMs = Number.POSITIVE_INFINITY): Promise<number> => {
    const startMs = clock.nowMs();
    let isOver = false;
    const wait = waits.wait(LOOK_MS, undefined).finally(() => (isOver = true));
    await clock.advance(0);
    while (!isOver) {
      await clock.advance(1);
      if (!isOver && (clock.nowMs() - startMs) % everyMs === 0) bell.ring();
      await clock.advance(0);
    }
    await wait;
    return clock.nowMs() - startMs;
  };
  return { clock, bell, waits, waited };
}

describe('a wait for what is due', () => {
  it('is none the first time: what came before anybody listened has to be looked for', async () => {
    const bell = new HandBell();
    using waits = new DueWaits(bell, new SimulatedClock());
    expect(bell.hearers).toBe(0);
    await waits.wait(LOOK_MS, undefined);
    expect(bell.hearers).toBe(1);
  });

  it('ends at once when something is told', async () => {
    const { bell, clock, waits } = await listening();
    const wait = waits.wait(LOOK_MS, undefined);
    bell.ring();
    await wait;
    expect(clock.monotonicMs()).toBe(0);
    expect(clock.sleeping).toBe(0);
  });

  it('ends at once when something was told since the wait before', async () => {
    const { bell, clock, waits } = await listening();
    bell.ring();
    await waits.wait(LOOK_MS, undefined);
    expect(clock.monotonicMs()).toBe(0);
  });

  it('ends by the clock where nothing is told', async () => {
    const { waited } = await listening();
    expect(await waited()).toBe(LOOK_MS);
  });

  it('ends with its signal, and leaves nothing behind', async () => {
    const { bell, clock, waits } = await listening();
    const stop = new AbortController();
    const wait = waits.wait(LOOK_MS, stop.signal);
    stop.abort();
    await wait;
    await waits.wait(LOOK_MS, stop.signal);
    expect(clock.sleeping).toBe(0);
    waits[Symbol.dispose]();
    expect(bell.hearers).toBe(0);
  });

  it('ends a few times a second, and the first time at once, while it is told all the time for nothing', async () => {
    const { waited } = await listening();
    const taken: number[] = [];
    for (let wait = 0; wait < 4; wait++) taken.push(await waited(1));
    expect(taken).toEqual([1, 200, 200, 200]);
    expect(await waited()).toBe(LOOK_MS);
    expect(await waited(1)).toBe(1);
  });

  it('ends at once after a look that found something, however often it was told before', async () => {
    const { waits, waited } = await listening();
    for (let wait = 0; wait < 4; wait++) await waited(1);
    waits.found();
    expect(await waited(1)).toBe(1);
  });
});
