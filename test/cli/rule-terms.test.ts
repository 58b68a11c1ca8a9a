import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { evaluateRules } from '../../src/engine/rules/evaluate-rules.ts';
import { runTransfers } from '../../src/engine/transfers/run-transfers.ts';
import { RuleWorld } from '../end-to-end/rule-world.ts';
import { Sandbox } from './sandbox.ts';

const store = (name: string, said: string): string =>
  `  ${name}:\n    storage_provider: {type: file, options: {base_path: ${name}}}\n    attributes: ${said}\n`;

describe('every option of pando rule', () => {
  const box = new Sandbox();
  beforeAll(async () => {
    box.write({
      'data/x': 'bytes',
      'pando.yaml': `profiles:\n${['data', 'ch', 'us'].map((name) => store(name, '{rack: 1, free: 2, row: 3}')).join('')}`,
    });
    expect(await box.run(['stat', 'data:x'])).toMatchObject({ code: 0 });
  });
  afterAll(() => box[Symbol.dispose]());

  const show = () => box.json<Record<string, unknown>>('rule', 'show', '1');
  /** Words of commands, as they are told. */
  const asked = {
    copies: 2,
    expression: 'ch|us',
    sourceExpression: 'data',
    grouping: 'all',
    weight: 'free',
    domainAttribute: 'rack',
    activity: 'production',
    priority: 1,
    isLocked: true,
    purge: true,
    ignoreAvailability: true,
    preferred: ['ch', 'us'],
    blocked: ['data'],
    comment: 'as it was asked',
    notify: 'progress',
    state: 'WAITING_APPROVAL',
  };

  test('of add is told back by show, to programs and to people', async () => {
    const startedMs = Date.now();
    const added = await box.run(
      ['rule', 'add', 'data:*', '--copies', '2', '--stores', 'ch|us', '--source', 'data', '--grouping', 'all'].concat(
        ['--weight', 'free', '--failure-domain', 'rack', '--activity', 'production', '--priority', '1', '--locked'],
        ['--purge', '--ignore-availability', '--prefer', 'ch', 'us', '--block', 'data', '--comment', asked.comment],
        ['--notify', 'progress', '--lifetime', '30d', '--ask-approval'],
      ),
    );
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('rule 1: ch, us') });
    const shown = await show();
    expect(shown).toMatchObject(asked);
    const lastsMs = Number(shown['expiresMs']) - 30 * 86_400_000;
    expect(lastsMs).toBeGreaterThanOrEqual(startedMs);
    expect(lastsMs).toBeLessThanOrEqual(Date.now());
    const lines = (await box.run(['rule', 'show', '1'])).stdout.split('\n');
    for (const line of [
      'rule: 1, WAITING_APPROVAL',
      'copies: 2, grouped by all',
      'at: ch|us (ch, us)',
      'from: data',
      'is: locked: it does not end, to purge: its copies go at once when it ends, waiting for stores that take no writes now',
      'prefers: ch, us',
      'blocks: data',
      'weight: free',
      'fail together: stores of one rack',
      'activity: production, priority 1',
      'comment: as it was asked',
      'tells: progress',
    ])
      expect(lines).toContain(line);
  });

  test('is changed by update, and what is not said stays', async () => {
    const update = await box.run(
      ['rule', 'update', '1', '--copies', '1', '--stores', 'us', '--source', 'ch', '--grouping', 'none'].concat(
        ['--weight', 'row', '--failure-domain', 'row', '--activity', 'staging', '--priority', '0', '--prefer', 'us'],
        ['--block', 'ch', 'data', '--comment', 'changed', '--notify', 'ok'],
      ),
    );
    expect(update).toMatchObject({ code: 0, stderr: '' });
    expect(await show()).toMatchObject({
      copies: 1,
      expression: 'us',
      sourceExpression: 'ch',
      grouping: 'none',
      weight: 'row',
      domainAttribute: 'row',
      activity: 'staging',
      priority: 0,
      preferred: ['us'],
      blocked: ['ch', 'data'],
      comment: 'changed',
      notify: 'ok',
      isLocked: true,
      purge: true,
      ignoreAvailability: true,
      expiresMs: expect.any(Number),
    });
  });

  test('is taken back by update where it can be', async () => {
    const unsaid = await box.run(
      ['rule', 'update', '1', '--no-locked', '--no-purge', '--no-ignore-availability', '--lifetime', 'none'].concat(
        ['--source', '', '--weight', '', '--failure-domain', '', '--comment', '', '--prefer', '', '--block', ''],
        ['--notify', 'none'],
      ),
    );
    expect(unsaid).toMatchObject({ code: 0, stderr: '' });
    const shown = await show();
    expect(shown).toMatchObject({
      isLocked: false,
      purge: false,
      ignoreAvailability: false,
      preferred: [],
      blocked: [],
      notify: 'none',
    });
    for (const word of ['expiresMs', 'sourceExpression', 'weight', 'domainAttribute', 'comment'])
      expect(shown).not.toHaveProperty(word);
  });

  test('about an attribute that none of the stores has is warned of, also where the stores stay', async () => {
    const update = await box.run(['rule', 'update', '1', '--weight', 'speed', '--failure-domain', 'hall']);
    expect(update.stderr).toContain('none of these stores has a number as its attribute speed');
    expect(update.stderr).toContain('none of these stores has the attribute hall: each is a failure domain by itself');
  });
});

/** Stores that hold a copy of each object, joined. */
function placedBy(world: RuleWorld, names: readonly string[], stores: readonly string[]): readonly string[] {
  const files = stores.map((name) => [name, new Set(world.filesAt(name))] as const);
  return names.map((name) => files.flatMap(([at, there]) => (there.has(name) ? [at] : [])).join('+'));
}

test('of two stores with the weights 1 and 99 the first has one object in a hundred, and always the same', async () => {
  await using world = new RuleWorld({
    data: '',
    light: 'attributes: {tape_share: 1}',
    heavy: 'attributes: {tape_share: 99}',
    none: '',
  });
  const names = Array.from({ length: 200 }, (_, at) => `object-${at}`);
  await Promise.all(names.map((name) => world.put('data', name, name)));
  await world.rule('data:*', { copies: 1, stores: 'light|heavy|none', weight: 'tape_share', grouping: 'none' });
  await world.workHere();
  const placed = placedBy(world, names, ['light', 'heavy', 'none']);
  // Drawn from the rule's number and the names of objects and stores, which are the same in each run.
  expect(names.filter((_, at) => placed[at] === 'light')).toEqual(['object-28', 'object-118', 'object-172']);
  expect(placed.filter((at) => at === 'heavy')).toHaveLength(197);
});

test('two stores of one rack never both have a copy while another rack has room, and they do again where the site decides', async () => {
  const at = (rack: string, site: string) => `site: ${site}\nattributes: {rack: ${rack}}`;
  const racks = { a: at('r1', 's1'), b: at('r1', 's2'), c: at('r2', 's2') };
  await using world = new RuleWorld({ data: '', ...racks });
  const names = Array.from({ length: 24 }, (_, one) => `object-${one}`);
  await Promise.all(names.map((name) => world.put('data', name, name)));
  const terms = { copies: 2, stores: 'a|b|c', grouping: 'none', purge: true } as const;
  const rule = await world.rule('data:*', { ...terms, failureDomain: 'rack' });
  await world.workHere();
  const byRack = placedBy(world, names, ['a', 'b', 'c']);
  expect([...new Set(byRack)].toSorted()).toEqual(['a+c', 'b+c']);
  // By site b and c are one, so what both have of an object, one of them leaves for a.
  await (await world.rules()).update(rule, { failureDomain: undefined });
  await world.workHere();
  const bySite = placedBy(world, names, ['a', 'b', 'c']);
  expect([...new Set(bySite)].toSorted()).toEqual(['a+b', 'a+c']);
});

test('a rule tells of each tenth of its way where it is to, and how long the rest will take', async () => {
  await using world = new RuleWorld({ data: '', far: '' });
  const names = Array.from({ length: 10 }, (_, at) => `object-${at}`);
  await Promise.all(names.map((name) => world.put('data', name, name)));
  const told = await world.rule('data:*', { copies: 1, stores: 'far', notify: 'progress' });
  const silent = await world.rule('data:object-*', { copies: 1, stores: 'far', notify: 'ok' });
  const ports = await world.ports();
  const { signal } = new AbortController();
  await evaluateRules(ports, { owner: 'test', signal });
  // One after the other, so that each tenth is met.
  const stop = new AbortController();
  let settled = 0;
  const settleTransfers: typeof ports.catalog.settleTransfers = async (outcomes) => {
    const answers = await ports.catalog.settleTransfers(outcomes);
    if (++settled === 4) stop.abort();
    return answers;
  };
  const catalog = new Proxy(ports.catalog, {
    get: (target, key) => (key === 'settleTransfers' ? settleTransfers : Reflect.get(target, key, target)),
  });
  await runTransfers({ ...ports, catalog }, { owner: 'test', until: 'idle', inFlightMax: 1, signal: stop.signal });
  const rules = await world.rules();
  const half = await rules.show(told);
  const { ok, replicating } = half.rule.counts;
  expect([ok, replicating]).toEqual([4, 6]);
  const perCopyMs = (world.pando.clock.nowMs() - half.rule.createdMs) / 4;
  expect(half.leftMs).toBeGreaterThan(0);
  expect(half.leftMs).toBeLessThanOrEqual(perCopyMs * 6 + 1);
  using box = new Sandbox();
  const shown = await box.run(['rule', 'show', String(told), '--config', join(world.root, 'pando.yaml')], {
    env: { PANDO_CATALOG: `sqlite:${join(world.root, 'catalog.sqlite')}` },
  });
  expect(shown.stdout).toMatch(
    /^copies there: 4, 6 on the way, 0 stuck\nleft: about [\dhms]+, at its pace until now$/m,
  );
  await runTransfers(ports, { owner: 'test', until: 'idle', inFlightMax: 1 });
  expect((await rules.show(told)).leftMs).toBeUndefined();
  const events = await (await world.pando.catalog()).listEvents({ limit: 100 });
  const tenths = Array.from({ length: 9 }, (_, at) => `rule-progressed rule ${told}: ${at + 1} of 10 copies`);
  const became = [told, silent].map((rule) => `rule-became-ok rule ${rule}: 10 of 10 copies`);
  expect(events.map(({ kind, detail }) => `${kind} ${detail}`).toSorted()).toEqual([...tenths, ...became].toSorted());
});
