import { setTimeout as later } from 'node:timers/promises';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import type { Pass, Treatment } from './peer-proxy.ts';

/** A treatment of messages, and the end of it. */
export interface Disorder {
  readonly treat: Treatment;
  /** What is kept back has come when this resolves. */
  readonly end: () => Promise<void>;
  /** Messages that came once more. */
  readonly repeated: () => number;
}

/** Messages that are kept back: enough for several of one object. */
const KEPT = 12;

/**
 * Messages overtake each other, and most of them come once more: some beside themselves, and some of these break off; others long after
 * those that followed them.
 */
export function disorder(seed: number): Disorder {
  const random = new SimulatedRandom(seed);
  const kept: Pass[] = [];
  const underWay = new Set<Promise<unknown>>();
  let repeated = 0;
  const repeat = (pass: Pass, signal?: AbortSignal): void => {
    repeated++;
    // One that breaks off has no answer.
    const done = pass(signal)
      .catch(() => undefined)
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };
  const repeatOne = (): void => kept.splice(random.below(kept.length), 1).forEach((pass) => repeat(pass));
  return {
    treat: async ({ route }, pass) => {
      if (route === 'versions') return pass();
      await later(random.below(20));
      if (random.chance(0.3)) repeat(pass, random.chance(0.5) ? AbortSignal.timeout(random.below(15)) : undefined);
      const answer = await pass();
      if (random.chance(0.5)) kept.push(pass);
      while (kept.length > KEPT) repeatOne();
      await later(random.below(10));
      return answer;
    },
    end: async () => {
      while (kept.length > 0) repeatOne();
      await Promise.all(underWay);
    },
    repeated: () => repeated,
  };
}
