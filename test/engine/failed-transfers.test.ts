import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AuditWorld, SCOPE, settle } from '../audit/audit-world.ts';

test('an attempt that fails is recorded, and its request waits for the next one', async () => {
  await using world = new AuditWorld();
  await world.write('a', 'these are the bytes');
  await settle();
  rmSync(join(world.root, SCOPE, 'a'));
  const rule = await world.addRule({ copies: 1, expression: 'b' });
  await world.work();
  const requests = await (await world.catalog()).listRequests({ limit: 10 });
  expect(requests.filter(({ state }) => state === 'SUBMITTED')).toEqual([]);
  expect(requests).toMatchObject([{ name: 'a', state: expect.stringMatching(/QUEUED|NO_SOURCES|FAILED/) }]);
  expect(requests[0]?.lastError).toContain('a');
  expect(await world.ruleState(rule)).not.toBe('OK');
});

test('a copy found wrong is replaced where it lies, also when it is gone by then', async () => {
  await using world = new AuditWorld();
  for (const name of ['stays', 'goes']) await world.write(name, `the bytes of ${name}`);
  const rule = await world.addRule({ copies: 1, expression: 'a' });
  await settle();
  await world.work();
  const paths = { stays: await world.pathAt('a', 'stays'), goes: await world.pathAt('a', 'goes') };
  for (const path of Object.values(paths)) world.damage(path);
  expect(await world.audit('a', { withChecksums: true, percentMax: 100 })).toMatchObject({ counts: { corrupt: 2 } });
  rmSync(paths.goes);
  await world.work();
  expect(await world.ruleState(rule)).toBe('OK');
  for (const [name, path] of Object.entries(paths)) expect(readFileSync(path, 'utf8')).toBe(`the bytes of ${name}`);
});
