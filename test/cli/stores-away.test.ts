import { renameSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox } from './sandbox.ts';

/** Enough that the first are due again before the last were tried once. */
const OBJECTS = 60;
const names = Array.from({ length: OBJECTS }, (_, i) => `f${String(i).padStart(2, '0')}`);
const store = (name: string): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n`;
const ENDS_WITHIN_MS = 45_000;

function takeAway(box: Sandbox, name: string): void {
  renameSync(box.path(name), box.path(`${name}.away`));
}

function bringBack(box: Sandbox, name: string): void {
  renameSync(box.path(`${name}.away`), box.path(name));
}

test(
  'pando worker --until-idle ends while a store of rules is away, says which, and leaves what waits for it',
  async () => {
    using box = new Sandbox();
    box.write({ 'pando.yaml': `profiles:\n${['data', 'bern', 'geneva', 'zurich'].map(store).join('')}` });
    for (const one of ['data', 'bern', 'geneva', 'zurich']) box.write({ [`${one}/.keep`]: '' });
    box.write(Object.fromEntries(names.map((name) => [`data/${name}`, name])));
    await box.run(['sync', 'data:']);
    await box.run(['rule', 'add', 'data:f*', '--copies', '1', '--stores', 'bern']);
    await box.run(['rule', 'add', 'data:f*', '--copies', '1', '--stores', 'geneva']);
    expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
    takeAway(box, 'geneva');
    await box.run(['rule', 'rm', '2', '--purge']);
    await box.run(['rule', 'add', 'data:f00', '--copies', '1', '--stores', 'zurich']);
    const worked = await box.run(['worker', '--until-idle']);
    expect(worked.code).toBe(4);
    expect(worked.stderr).toMatch(/what waits for geneva is left .*its directory .*geneva does not exist/);
    expect(box.list('zurich')).toHaveLength(2);
    const since = /has not answered since 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ/;
    expect((await box.run(['store', 'show', 'geneva'])).stdout).toMatch(since);
    const listed = (await box.run(['store', 'ls'])).stdout.split('\n').filter((line) => since.test(line));
    expect(listed).toEqual([expect.stringMatching(/^geneva /)]);
    bringBack(box, 'geneva');
    expect(await box.run(['request', 'retry', '--store', 'geneva'])).toMatchObject({
      stderr: `${OBJECTS} to be tried now\n`,
    });
    expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
    expect(box.list('geneva')).toEqual(['.keep']);
  },
  2 * ENDS_WITHIN_MS,
);

test(
  'pando worker --until-idle ends while a replica is away',
  async () => {
    using box = new Sandbox();
    box.configure();
    box.write(Object.fromEntries(names.map((name) => [`data/${name}`, name])));
    await box.run(['sync', 'data:']);
    await box.run(['store', 'set', 'near', '--no-delete']);
    await box.run(['rm', ...names.map((name) => `data:${name}`)]);
    takeAway(box, 'near');
    await box.run(['store', 'set', 'near', '--as-configured']);
    const worked = await box.run(['worker', '--until-idle']);
    expect(worked.code).toBe(4);
    expect(worked.stderr).toMatch(/what waits for near is left .*its directory .*near does not exist/);
    bringBack(box, 'near');
    await box.run(['request', 'retry', '--store', 'near']);
    expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0, stderr: '' });
    expect(box.list('near')).toEqual([]);
  },
  2 * ENDS_WITHIN_MS,
);

test.each(['near', 'data'])('rm of many objects waits once for a store that is away (%s)', async (away) => {
  using box = new Sandbox();
  box.configure();
  box.write(Object.fromEntries(names.map((name) => [`data/${name}`, name])));
  await box.run(['sync', 'data:']);
  takeAway(box, away);
  const startedMs = Date.now();
  const ran = await box.run(['rm', ...names.map((name) => `data:${name}`)]);
  // Each of them was waited for before: more than a second, sixty times.
  expect(Date.now() - startedMs).toBeLessThan(20_000);
  expect(ran.code).toBe(4);
  const why = `its directory ${box.path(away)} does not exist`;
  for (const name of names) expect(ran.stderr).toContain(`still to go at ${away}: ${away}: ${name}: ${why}`);
  expect(box.list('far')).toEqual([]);
  bringBack(box, away);
  // What was put off is not due yet.
  expect(await box.run(['request', 'retry', '--store', away])).toMatchObject({ code: 0 });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect(box.list(away)).toEqual([]);
});
