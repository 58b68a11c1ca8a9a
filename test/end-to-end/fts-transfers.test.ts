import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { startApache } from '../servers/apache.ts';
import { FtsWorld, until } from './fts-world.ts';

const apache = await startApache();
afterAll(() => apache[Symbol.asyncDispose]());

const timeout = 60_000;

test('copies between two stores that have URLs are made by FTS, verified, and nothing goes through the worker', {
  timeout,
}, async () => {
  await using world = await FtsWorld.open(apache);
  for (const body of ['one', 'two', 'three']) await world.put(body, body);
  const rule = await world.rule();
  await world.work();
  expect(await world.stateOf(rule)).toBe('OK');
  world.expectThere('one', 'two', 'three');
  expect(world.fake.counts).toEqual({ accepted: 3, moved: 3 });
  const [site] = world.query('select id from site');
  expect(site?.['id']).toMatch(/^[0-9a-f]{16}$/);
});
