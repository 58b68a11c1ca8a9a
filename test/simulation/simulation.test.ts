import { expect, test } from 'vitest';
import { checkReached } from './checkers/deliveries.ts';
import { makePlan, type Plan } from './plan.ts';
import { runPlan, runSeed } from './run-seed.ts';
import { heardBy, makeTopology, type Shape } from './topology.ts';
import { NO_NETWORK_FAULTS } from '../../src/testing/simulated-network.ts';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const SEEDS = soak ? 500 : 50;
/** In parts, so that one that goes wrong is told while the others run. */
const PART = 10;

test.each(Array.from({ length: SEEDS / PART }, (_, part) => part * PART + 1))(
  'worlds from seed %i on lose nothing, and become equal when faults stop',
  async (first) => {
    let replicated = 0;
    for (let seed = first; seed < first + PART; seed++) {
      const outcome = await runSeed(seed);
      expect(outcome.complaints, `npm run simulate -- --seed ${seed}`).toEqual([]);
      replicated += outcome.replicated;
    }
    // There was something to look at.
    expect(replicated).toBeGreaterThan(PART);
  },
);

test('in a world whose queues are short, these are given up, and all is equal in the end', async () => {
  let givenUp = 0;
  for (let seed = 1; seed <= (soak ? PART : 4); seed++) {
    const outcome = await runPlan({ ...makePlan(seed), hasFaults: true, backlogEntriesMax: 4 });
    expect(outcome.complaints, `seed ${seed}`).toEqual([]);
    givenUp += outcome.givenUp;
  }
  expect(givenUp).toBeGreaterThan(0);
});

test('one seed is one story', async () => {
  const stories = [await runSeed(7), await runSeed(7)].map(({ story }) => story.join('\n'));
  expect(stories[0]).toBe(stories[1]);
});

test.each<[Shape, count: number, bothWays: boolean]>([
  ['pair', 2, false],
  ['pair', 2, true],
  ['ring', 4, false],
  ['tree', 5, false],
  ['tree', 5, true],
  ['mesh', 4, true],
])('in a %s of %i (both ways: %s) each write reaches each site with its bytes once', async (shape, count, bothWays) => {
  const plan = quietPlan(shape, count, bothWays);
  const { complaints, sent, made } = await runPlan(plan);
  expect(complaints).toEqual([]);
  const heard = heardBy(plan.topology);
  const wanted = made.map(({ id, site }) => ({
    id,
    sites: plan.topology.sites.filter((one) => one !== site && heard.get(one)?.has(site)),
  }));
  expect(wanted).toHaveLength(plan.acts.length);
  expect(checkReached(sent, wanted)).toEqual([]);
});

/** Without faults, and each object is written once. */
function quietPlan(shape: Shape, count: number, bothWays: boolean): Plan {
  const random = new SimulatedRandom(count);
  const topology = makeTopology(shape, count, bothWays, random);
  return {
    ...makePlan(1),
    topology,
    skewMs: new Map(),
    conflicts: 'last-writer-wins',
    stream: { batchSize: 5, workers: 2, inlineBytesMax: 30, retryDelayMs: 200 },
    hasFaults: false,
    network: { ...NO_NETWORK_FAULTS, delayMsMax: 20 },
    acts: Array.from({ length: 40 }, (_, at) => ({
      atMs: random.below(1000),
      site: random.pick(topology.sites),
      name: `n${at}`,
      kind: 'put',
      text: `text ${at} `.repeat(random.between(1, 6)),
    })),
    mishaps: [],
    healMs: 2000,
  };
}
