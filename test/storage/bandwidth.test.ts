import { expect, it } from 'vitest';
import { Bandwidth, openLedger } from '../../src/storage/bandwidth.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';

/** Two takers of 10 kB/s, as two threads would open them. */
function shared() {
  const clock = new SimulatedClock();
  const ledger = openLedger();
  const [one, other] = [new Bandwidth(clock, 10_000, ledger), new Bandwidth(clock, 10_000, ledger)] as const;
  const take = async (bandwidth: Bandwidth, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await bandwidth.take(1000);
  };
  return { clock, one, other, take };
}

it('is all given to the only one of several takers that asks', async () => {
  const { clock, one, take } = shared();
  await clock.run(take(one, 20));
  expect(clock.monotonicMs()).toBe(1900);
});

it('is kept by all takers of a ledger together', async () => {
  const { clock, one, other, take } = shared();
  await clock.run(Promise.all([take(one, 10), take(other, 10)]));
  expect(clock.monotonicMs()).toBe(1900);
});
