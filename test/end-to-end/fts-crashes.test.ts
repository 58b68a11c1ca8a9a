import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { ftsJobId } from '../../src/transfer-tools/fts3/job-id.ts';
import { startApache } from '../servers/apache.ts';
import { FtsWorld, until } from './fts-world.ts';

const apache = await startApache();
afterAll(() => apache[Symbol.asyncDispose]());

const timeout = 120_000;
const BODIES = ['one', 'two', 'three'];

async function openWithRule(): Promise<{ readonly world: FtsWorld; readonly rule: number }> {
  const world = await FtsWorld.open(apache);
  for (const body of BODIES) await world.put(body, body);
  return { world, rule: await world.rule() };
}

describe('a worker that is killed', () => {
  test('while FTS has its transfers leaves them to the next one, which asks for them and submits none again', {
    timeout,
  }, async () => {
    const { world, rule } = await openWithRule();
    await using _ = world;
    world.fake.faults.hold = true;
    for (let life = 0; life < 2; life++) {
      await using worker = world.worker();
      await until(() => world.fake.counts.accepted === 3 && world.inHandOf(worker.pid) === 3);
      // It has read what became of them.
      await sleep(500);
      await worker.end('SIGKILL');
    }
    world.fake.release();
    await using worker = world.worker('--until-idle');
    expect({ code: await worker.ended, said: worker.said }).toMatchObject({ code: 0 });
    expect(await world.stateOf(rule)).toBe('OK');
    world.expectThere(...BODIES);
    expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
  });

  test('before it had the answer to its submission', { timeout }, async () => {
    const { world, rule } = await openWithRule();
    await using _ = world;
    world.fake.faults.answerAfterMs = 60_000;
    await using killed = world.worker();
    await until(() => world.fake.counts.accepted === 3);
    await killed.end('SIGKILL');
    world.fake.faults.answerAfterMs = 0;
    await using worker = world.worker('--until-idle');
    expect(await worker.ended).toBe(0);
    expect(await world.stateOf(rule)).toBe('OK');
    world.expectThere(...BODIES);
    expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
  });

  test('before its submission came to the books of FTS: it is submitted by the next one, under the same attempt', {
    timeout,
  }, async () => {
    const { world, rule } = await openWithRule();
    await using _ = world;
    Object.assign(world.fake.faults, { answerAfterMs: 60_000, crashBeforeAccept: 3 });
    await using killed = world.worker();
    await until(() => world.fake.faults.crashBeforeAccept === 0);
    await killed.end('SIGKILL');
    const handed = world.handedOver();
    expect(handed).toHaveLength(3);
    world.fake.faults.answerAfterMs = 0;
    await using worker = world.worker('--until-idle');
    expect(await worker.ended).toBe(0);
    expect(await world.stateOf(rule)).toBe('OK');
    world.expectThere(...BODIES);
    expect(handed.map((attempt) => world.fake.stateOf(ftsJobId('pando', attempt)))).toEqual(
      handed.map(() => 'FINISHED'),
    );
    expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
  });

  test('while FTS ends its transfers: what has arrived meanwhile is recorded, and not fetched again', {
    timeout,
  }, async () => {
    const { world, rule } = await openWithRule();
    await using _ = world;
    world.fake.faults.hold = true;
    await using killed = world.worker();
    await until(() => world.fake.counts.accepted === 3);
    await killed.end('SIGKILL');
    world.fake.release();
    await until(() => world.fake.counts.moved === 3);
    await using worker = world.worker('--until-idle');
    expect(await worker.ended).toBe(0);
    expect(await world.stateOf(rule)).toBe('OK');
    expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
  });
});

test('a worker that is asked to end gives back what FTS has, and the next one goes on at once', {
  timeout,
}, async () => {
  const { world, rule } = await openWithRule();
  await using _ = world;
  world.fake.faults.hold = true;
  await using first = world.worker();
  await until(() => world.fake.counts.accepted === 3);
  expect(await first.end('SIGTERM')).toBe(0);
  world.fake.release();
  await using worker = world.worker('--until-idle');
  expect(await worker.ended).toBe(0);
  expect(await world.stateOf(rule)).toBe('OK');
  expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
});

describe('what nobody wants any more', () => {
  test('is cancelled at FTS by a worker that has it in hand', { timeout }, async () => {
    const { world, rule } = await openWithRule();
    await using _ = world;
    world.fake.faults.hold = true;
    await using worker = world.worker();
    await until(() => world.fake.counts.accepted === 3);
    const jobs = world.jobs();
    await (await world.rules()).remove(rule);
    await until(() => jobs.every((id) => world.fake.stateOf(id) === 'CANCELED'));
    await until(() => world.handedOver().length === 0 && world.query('select 1 from rule').length === 0);
    expect(world.filesAt('far')).toEqual({});
    expect(await worker.end('SIGTERM')).toBe(0);
  });

  test.each([
    ['is still on its way', false],
    ['has arrived', true],
  ])(
    '%s while no worker lived, is cancelled by the next one, and nothing of it stays',
    { timeout },
    async (...[, arrived]) => {
      const { world, rule } = await openWithRule();
      await using _ = world;
      world.fake.faults.hold = true;
      await using killed = world.worker();
      await until(() => world.fake.counts.accepted === 3);
      await killed.end('SIGKILL');
      if (arrived) {
        world.fake.release();
        await until(() => world.fake.counts.moved === 3);
        world.expectThere(...BODIES);
      }
      await (await world.rules()).remove(rule);
      await using worker = world.worker();
      await until(() => world.handedOver().length === 0 && Object.keys(world.filesAt('far')).length === 0);
      // The delete waits for whoever had them in hand: until his process is known to have ended.
      await using second = world.worker();
      await until(() => world.copiesAt('far') === 0);
      // The first may have been quicker than the second could start.
      await second.ready();
      expect(world.filesAt('far')).toEqual({});
      for (const one of [worker, second]) expect(await one.end('SIGTERM')).toBe(0);
      expect(world.fake.counts.moved).toBe(arrived ? 3 : 0);
    },
  );
});

test('an attempt is named by its site, so that two sites that share a server never meet', { timeout }, async () => {
  const { world } = await openWithRule();
  await using _ = world;
  world.fake.faults.hold = true;
  await using worker = world.worker();
  await until(() => world.handedOver().length === 3);
  const { id } = await (await world.pando.catalog()).site();
  for (const attempt of world.handedOver()) expect(attempt).toMatch(new RegExp(`^${id}\\.\\d+\\.\\d+$`));
  await worker.end('SIGKILL');
});
