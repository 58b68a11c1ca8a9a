import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { keepRules } from '../../src/engine/rules/keep-rules.ts';
import { openRules } from '../../src/client/open-rules.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { openFts3Tool } from '../../src/transfer-tools/fts3/fts3-tool.ts';
import { ftsJobId } from '../../src/transfer-tools/fts3/job-id.ts';
import { startApache } from '../servers/apache.ts';
import { openLocal } from '../transfer-tools/open-local.ts';
import { FtsWorld, TOKEN } from './fts-world.ts';

const apache = await startApache();
afterAll(() => apache[Symbol.asyncDispose]());

const timeout = 60_000;
const BODIES = ['one', 'two', 'three'];

async function openWithRule(tool?: string): Promise<{ readonly world: FtsWorld; readonly rule: number }> {
  const world = await FtsWorld.open(apache, tool === undefined ? {} : { tool });
  for (const body of BODIES) await world.put(body, body);
  return { world, rule: await world.rule() };
}

/** With the pauses between two attempts. */
async function workUntilOk({ world, rule }: Awaited<ReturnType<typeof openWithRule>>): Promise<void> {
  while ((await world.stateOf(rule)) !== 'OK') await world.work();
}

/** All is as it was asked for, and FTS has made so many jobs of it. */
async function expectThere(
  { world, rule }: Awaited<ReturnType<typeof openWithRule>>,
  accepted: number,
  bodies = BODIES,
): Promise<void> {
  expect(await world.stateOf(rule)).toBe('OK');
  world.expectThere(...bodies);
  expect(world.fake.counts.accepted).toBe(accepted);
  expect(world.query('select state, last_error from request where due_ms is not null')).toEqual([]);
  expect(world.query('select distinct state from replica')).toEqual([{ state: 2 }]);
}

describe('copies between two stores that have URLs', () => {
  test('are made by FTS, in batches, and verified', { timeout }, async () => {
    const made = await openWithRule(', batch: 2');
    await using world = made.world;
    await world.work();
    await expectThere(made, 3);
    expect(world.fake.counts.moved).toBe(3);
  });

  test('are as urgent there as their rule is by now', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    const { fake, pando } = world;
    fake.faults.hold = true;
    // Claims are renewed every fifth of a second.
    const sleep = (ms: number, signal?: AbortSignal) => pando.clock.sleep(ms / 100, signal);
    const clock = { ...pando.clock, sleep };
    const ports = { ...(await pando.rulePorts()), clock };
    const working = keepRules(ports, { owner: 'test', until: 'idle', exceptScopes: ['near', 'far'] });
    const priorities = () => world.handedOver().map((attempt) => fake.priorityOf(ftsJobId('pando', attempt)));
    await expect.poll(priorities).toEqual([1, 1, 1]);
    // The tool is told again of what it did not take.
    fake.faults.fail = { status: 403, times: 4 };
    await (await world.rules()).update(made.rule, { priority: 0 });
    await expect.poll(priorities).toEqual([5, 5, 5]);
    fake.release();
    await working;
    await expectThere(made, 3);
  });

  test('are read by the worker where nothing was compared, so that wrong bytes are replaced', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    world.fake.faults.wrongBytes = 'unnoticed';
    await world.work();
    expect(await world.stateOf(made.rule)).not.toBe('OK');
    expect(world.filesAt('far')).toEqual({});
    expect(world.query('select distinct error_kind from attempt')).toEqual([{ error_kind: 'corrupt' }]);
    world.fake.faults = {};
    await workUntilOk(made);
    await expectThere(made, world.fake.counts.accepted);
    expect(world.fake.counts.accepted).toBeGreaterThanOrEqual(6);
  });

  test('are compared with their source where nobody has read the version before', { timeout }, async () => {
    const world = await FtsWorld.open(apache);
    await using _ = world;
    const sources = BODIES.map((body) => join(world.directory('near'), body));
    for (const [at, path] of sources.entries()) {
      writeFileSync(path, BODIES[at] ?? '');
      utimesSync(path, 1_700_000_000, 1_700_000_000);
    }
    await world.look(BODIES);
    expect(world.query('select distinct sha256 from version')).toEqual([{ sha256: null }]);
    const rule = await world.rule();
    world.fake.faults.wrongBytes = 'unnoticed';
    await world.work();
    expect(await world.stateOf(rule)).not.toBe('OK');
    expect(world.filesAt('far')).toEqual({});
    world.fake.faults = {};
    await workUntilOk({ world, rule });
    world.expectThere(...BODIES);
    expect(world.query('select count(distinct sha256) as known from version')).toEqual([{ known: 3 }]);
  });

  test.each([
    ['to a store it is not meant for', ', to: near'],
    ['from a store it is not meant for', ', from: far'],
    ['for another activity', ', activities: [staging]'],
    ['without a URL it can use', ', schemes: [root]'],
  ])('are made by the worker %s', { timeout }, async (_, tool) => {
    const made = await openWithRule(tool);
    await using world = made.world;
    await world.work();
    await expectThere(made, 0);
  });
});

describe('FTS', () => {
  test('that tells of jobs backwards and twice, and slowly, is understood', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    Object.assign(world.fake.faults, { shuffled: true, answerAfterMs: 200, moveAfterMs: 300 });
    await world.work();
    await expectThere(made, 3);
  });

  test('that has forgotten a job tells of the others, and is given the lost one again', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    world.fake.faults.hold = true;
    const working = world.work();
    await world.untilAccepted(3);
    const [job] = world.jobs();
    world.fake.forget(job ?? '');
    await world.untilAccepted(4);
    world.fake.release();
    await working;
    await expectThere(made, 4);
  });

  test('whose connection breaks before and after it took a job has each job once', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    Object.assign(world.fake.faults, { crashBeforeAccept: 1, crashAfterAccept: 1 });
    await world.work();
    await expectThere(made, 3);
    expect(world.fake.counts.moved).toBe(3);
  });

  test.each([
    ['says that something else is on its way (409)', { conflicts: 3 }, 'made to conflict'],
    ['has no room (429)', { fail: { status: 429, times: 3 } }, 'it was made to fail'],
    [
      'does not let the site in any more (419)',
      { fail: { status: 419, times: 3 } },
      'The delegated credentials expired',
    ],
  ])('that %s is asked again, with the reason to be read', { timeout }, async (_, faults, why) => {
    const made = await openWithRule();
    await using world = made.world;
    Object.assign(world.fake.faults, faults);
    await world.work();
    const waiting = world.query("select state, last_error from request where state = 'WAITING'");
    expect(waiting).toHaveLength(3);
    for (const { last_error: said } of waiting) expect(said).toContain(why);
    expect(world.handedOver()).toEqual([]);
    await world.hasten();
    await world.work();
    await expectThere(made, 3);
  });

  test('that cannot be found again by its jobs is given nothing, and the worker makes the copies', {
    timeout,
  }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    world.fake.faults.ownIds = true;
    await world.work();
    await expectThere(made, 3);
    expect(world.fake.counts.moved).toBe(0);
    expect(world.jobs()).toEqual([]);
  });

  test('that does not say whether it took a job (503) is asked what has become of it', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    world.fake.faults.fail = { status: 503, times: 8 };
    await workUntilOk(made);
    await expectThere(made, 3);
  });

  test('that ends a job by itself is asked again', { timeout }, async () => {
    const made = await openWithRule();
    await using world = made.world;
    world.fake.faults.hold = true;
    const working = world.work();
    await world.untilAccepted(3);
    // Each job ends as if somebody had cancelled it at the server.
    for (const job of world.jobs()) await world.cancelAtServer(job);
    world.fake.release();
    await working;
    await workUntilOk(made);
    await expectThere(made, 6);
  });
});

test('what another tool has is left to it, until somebody says otherwise', { timeout }, async () => {
  const made = await openWithRule();
  await using world = made.world;
  world.fake.faults.hold = true;
  await using killed = world.worker();
  await world.untilAccepted(3);
  await killed.end('SIGKILL');
  await using elsewhere = world.without();
  await elsewhere.endDeadClaims();
  await elsewhere.keepRules({ owner: 'other', until: 'idle', exceptScopes: ['near', 'far'] });
  const waiting = world.query("select id, last_error from request where state = 'WAITING'");
  expect(waiting).toHaveLength(3);
  for (const { last_error: said } of waiting) expect(said).toContain('the transfer tool cern has it');
  const catalog = await elsewhere.catalog();
  await catalog.askAgain(waiting.map(({ id }) => Number(id)));
  await elsewhere.keepRules({ owner: 'other', until: 'idle', exceptScopes: ['near', 'far'] });
  await expectThere(made, 3);
  expect(world.fake.counts.moved).toBe(0);
});

test.each([
  ['the wanted bytes', 'bytes', 'OK'],
  ['other bytes', 'ötes', 'REPLICATING'],
])(
  'what lies at the destination of an object that nobody has read is compared with its source: %s',
  { timeout },
  async (_, there, state) => {
    await using world = await FtsWorld.open(apache);
    await world.put('seed', 'seed');
    writeFileSync(join(world.directory('near'), 'x'), 'bytes');
    const profile = world.pando.profile('near');
    if (profile === undefined) throw new Error('there is no near');
    const objects = await world.pando.objects();
    await objects.inspect({ scope: await world.pando.openScope(profile), name: 'x' });
    writeFileSync(join(world.directory('far'), 'x'), there);
    const { id: rule } = await (await world.rules()).add(['near:x'], { copies: 1, stores: 'far' });
    await world.work();
    expect(await world.stateOf(rule)).toBe(state);
    expect(readFileSync(join(world.directory('far'), 'x'), 'utf8')).toBe(there);
  },
);

test('stores that workers reach by nothing but URLs are served as well', { timeout }, async () => {
  await using world = await FtsWorld.open(apache, { isRemoteOnly: true });
  await world.put('one', 'one');
  const rule = await world.rule();
  await world.work();
  await expectThere({ world, rule }, 1, ['one']);
});

test('a program brings a tool of its own, which is asked before those that are configured', { timeout }, async () => {
  const { world } = await openWithRule();
  await using _ = world;
  await using own = await openFts3Tool({ endpoint: world.fake.endpoint, vo: 'pando', token: () => TOKEN });
  const path = world.configuration;
  await using opened = await openRules({ path, transferTools: [{ name: 'own', tool: own, pollMs: 100 }] });
  await opened.work();
  world.expectThere(...BODIES);
  expect(world.fake.counts.accepted).toBe(3);
});

test('a tool that ends with its process is none that a program may bring', { timeout }, async () => {
  const { world } = await openWithRule();
  await using _ = world;
  const storage = openMemoryStorage({ name: 'm', clock: systemClock });
  await using own = openLocal([storage]);
  const opening = openRules({ path: world.configuration, transferTools: [{ name: 'own', tool: own }] });
  await expect(opening).rejects.toThrow('the transfer tool own ends with its process');
});
