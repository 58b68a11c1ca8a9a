import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import { RuleWorld } from './rule-world.ts';

const COPIES = 6;
/** So large that each is copied by itself and, at 30 MB/s, takes long enough to be seen. */
const BYTES = 9_000_000;

/** How many files these processes have open for writing below a directory. */
function writtenBelow(directory: string, pids: readonly (number | undefined)[]): number {
  return pids.reduce<number>((sum, pid) => {
    try {
      const descriptors = readdirSync(`/proc/${pid}/fd`);
      return sum + descriptors.filter((one) => isFileBelow(`/proc/${pid}/fd/${one}`, directory)).length;
    } catch {
      // It has ended.
      return sum;
    }
  }, 0);
}

function isFileBelow(descriptor: string, directory: string): boolean {
  try {
    // Staged files have no name yet, or one below .pando/staging.
    return new RegExp(`^${directory}/(.*#\\d+ \\(deleted\\)|\\.pando/staging/.+/.+)$`).test(readlinkSync(descriptor));
  } catch {
    return false;
  }
}

const launcher = resolve(import.meta.dirname, '../../bin/pando.mjs');

function surroundingsOf({ root }: RuleWorld) {
  return { cwd: root, env: { PATH: process.env['PATH'], HOME: root, PANDO_CATALOG: `sqlite:${root}/catalog.sqlite` } };
}

async function pandoIn(world: RuleWorld, ...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [launcher, ...args], surroundingsOf(world))).stdout;
}

/** Two workers carry out a rule; returns the largest number of copies that were seen under way to the store at one moment. */
async function watchTwoWorkers(limits: string): Promise<number> {
  await using world = new RuleWorld({ data: '', far: `bandwidth: 30MB/s\n${limits}` });
  const names = Array.from({ length: COPIES }, (_, at) => `object-${at}`);
  for (const name of names) await world.put('data', name, name.repeat(BYTES / name.length));
  await (await world.rules()).add(['data:object-*'], { copies: 1, stores: 'far' });
  const begin = () => spawn(process.execPath, [launcher, 'worker'], { ...surroundingsOf(world), stdio: 'ignore' });
  const workers = [begin(), begin()];
  const pids = workers.map(({ pid }) => pid);
  const ended = workers.map((worker) => once(worker, 'exit'));
  let most = 0;
  for (let turn = 0; world.filesAt('far').length < COPIES && turn < 4000; turn++) {
    most = Math.max(most, writtenBelow(join(world.root, 'far'), pids));
    await sleep(10);
  }
  expect(world.filesAt('far')).toHaveLength(COPIES);
  for (const worker of workers) worker.kill('SIGINT');
  expect(await Promise.all(ended)).toEqual([
    [0, null],
    [0, null],
  ]);
  return most;
}

test.each([
  ['in one piece', 600_000, '400kB/s'],
  ['in many', 2_000_000, '1400kB/s'],
])('what comes from one store may be slower than what comes from others (%s)', async (_, bytes, rate) => {
  await using world = new RuleWorld({ data: '', near: '', far: `bandwidth_from: {data: ${rate}}` });
  await world.put('data', 'x', 'x'.repeat(bytes));
  const secondsTo = async (store: string): Promise<number> => {
    await world.rule('data:x', { copies: 1, stores: store });
    const beganMs = performance.now();
    await world.work();
    expect(world.filesAt(store)).toEqual(['x']);
    return (performance.now() - beganMs) / 1000;
  };
  expect(await secondsTo('near')).toBeLessThan(1.2);
  expect(await secondsTo('far')).toBeGreaterThan(1.2);
});

test('nothing waits for a long copy: neither other copies, nor rules, nor deletes', async () => {
  await using world = new RuleWorld({ data: '', near: '', far: 'bandwidth: 500kB/s' });
  for (const [name, bytes] of [
    ['large', 20_000_000],
    ['gone', 10],
    ['small', 10],
  ] as const)
    await world.put('data', name, 'x'.repeat(bytes));
  const gone = await world.rule('data:gone', { copies: 1, stores: 'near', purge: true });
  await world.work();
  await world.rule('data:large', { copies: 1, stores: 'far' });
  const stop = new AbortController();
  const working = world.pando.keepRules({ owner: 'test', until: stop.signal, exceptScopes: [] });
  await expect.poll(() => writtenBelow(join(world.root, 'far'), [process.pid]), { timeout: 5_000 }).toBe(1);
  await (await world.rules()).remove(gone);
  await world.rule('data:small', { copies: 1, stores: 'near' });
  await expect.poll(() => world.filesAt('near'), { timeout: 10_000 }).toEqual(['small']);
  expect(writtenBelow(join(world.root, 'far'), [process.pid])).toBe(1);
  stop.abort();
  expect(await working).toMatchObject({ done: 2, failed: 0 });
}, 60_000);

test.each([[[]], [['--worker-processes', '2']]])('and so may what a sync copies (%j)', async (options) => {
  const replicas = 'replicas: [{replica_profile: near, read_priority: 1}, {replica_profile: far, read_priority: 2}]';
  const from = 'bandwidth_from: {data: 800kB/s}';
  await using world = new RuleWorld({ data: replicas, near: from, far: from });
  writeFileSync(join(world.root, 'data/small'), Buffer.alloc(300_000));
  writeFileSync(join(world.root, 'data/large'), Buffer.alloc(1_300_000));
  const { seconds } = JSON.parse(await pandoIn(world, 'sync', 'pando://data/', '--json', ...options)) as {
    seconds: number;
  };
  expect(seconds).toBeGreaterThan(1.8);
  for (const store of ['near', 'far']) expect(world.filesAt(store)).toEqual(['large', 'small']);
});

describe('two worker processes', () => {
  test('never have more copies at a store than its limit, together', { timeout: 120_000 }, async () => {
    expect(await watchTwoWorkers('limits: {incoming: 1}')).toBe(1);
  });

  test('have more where nothing limits them', { timeout: 120_000 }, async () => {
    expect(await watchTwoWorkers('')).toBeGreaterThan(1);
  });
});

describe('a copy that waits for a limit', () => {
  const claim = { owner: 'another', leaseMs: 60_000, work: 'rule-copies' } as const;

  test('says so in one sentence, and has no attempt', async () => {
    await using world = new RuleWorld({ data: '', far: 'limits: {incoming: 1}' });
    for (const name of ['x', 'y']) await world.put('data', name, name);
    await world.rule('data:x', { copies: 1, stores: 'far' });
    await world.rule('data:y', { copies: 1, stores: 'far' });
    const { pando } = world;
    const catalog = await pando.catalog();
    await evaluateRules(await pando.rulePorts(), { owner: 'test', signal: new AbortController().signal });
    const limits = pando.transferLimits();
    if (limits === undefined) throw new Error('there are no limits');
    const [held] = await catalog.claimRequests({ ...claim, limit: 10, limits });
    await world.work();
    const waiting = held?.name === 'x' ? 'y' : 'x';
    const explained = await world.explain(`data:${waiting}`);
    const why = 'it waits for its turn: 1 copy to far at once, and no more (limits.incoming of far)';
    expect(explained).toMatchObject({ copies: [{ store: 'far', why, request: { state: 'QUEUED', attempts: 0 } }] });
    const told = await pandoIn(world, 'request', 'ls', '--state', 'QUEUED');
    expect(told).toContain(`data:${waiting}  at ${pathToFileURL(join(world.root, 'far')).href}/  (rule; ${why})`);
    expect(JSON.parse(await pandoIn(world, 'store', 'show', 'far', '--json'))).toMatchObject({
      limits: { incoming: 1 },
      transfers: { incoming: 1, outgoing: 0 },
    });
    await catalog.endClaims(['another']);
    await world.work();
    expect(world.filesAt('far').toSorted()).toEqual(['x', 'y']);
  });

  test('for its source is carried out when there is room, by one worker too, and in the order of the shares', async () => {
    const limited = { data: 'limits: {outgoing: 1}', near: 'limits: {incoming_from: {data: 1}}', far: '' };
    await using world = new RuleWorld(limited, 'activities: {production: 75%, default: 25%}\n');
    const names = Array.from({ length: 8 }, (_, at) => at);
    for (const at of names) await world.put('data', `a-${at}`, `a ${at}`);
    for (const at of names) await world.put('data', `b-${at}`, `b ${at}`);
    const rules = await world.rules();
    await rules.add(['data:b-*'], { copies: 1, stores: 'far' });
    await rules.add(['data:a-*'], { copies: 2, stores: 'near|far', activity: 'production' });
    const ports = { ...(await world.ports()), limits: world.pando.transferLimits() };
    const order: string[] = [];
    const { catalog } = ports;
    const settleTransfers: typeof catalog.settleTransfers = (outcomes) => {
      order.push(...outcomes.map(({ replica }) => (typeof replica === 'object' ? replica.place : '')));
      return catalog.settleTransfers(outcomes);
    };
    await world.workHere({ ...ports, catalog: { ...catalog, settleTransfers } });
    expect([world.filesAt('near').length, world.filesAt('far').length]).toEqual([8, 16]);
    const ofFirst = order.slice(0, 16).filter((place) => place.includes('a-')).length;
    expect(Math.abs(ofFirst - 12)).toBeLessThanOrEqual(1);
  });
});
