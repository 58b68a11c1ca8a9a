import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Sandbox, settled } from './sandbox.ts';

const STORES = `  ch:
    storage_provider: {type: file, options: {base_path: ch}}
    site: CERN
    attributes: {country: ch}
  us:
    storage_provider: {type: file, options: {base_path: us}}
    site: BNL
    attributes: {country: us}
  jp:
    storage_provider: {type: file, options: {base_path: jp}}
    site: KEK
    attributes: {country: jp}
`;

/** A synced profile `data` with three objects and three stores besides; each test has rules of its own. */
const box = new Sandbox();
beforeAll(async () => {
  box.configure(STORES);
  box.write({ 'data/raw/1.csv': 'one', 'data/raw/2.csv': 'two', 'data/notes': 'notes' });
  box.write({ 'near/.keep': '', 'far/.keep': '', 'ch/.keep': '', 'us/.keep': '', 'jp/.keep': '' });
  expect(await box.run(['sync', 'pando://data', '-q'])).toMatchObject({ code: 0 });
});
afterAll(() => box[Symbol.dispose]());

async function addRule(...args: readonly string[]): Promise<number> {
  return (await box.json<{ id: number }>('rule', 'add', ...args)).id;
}

async function work(): Promise<void> {
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
}

const copiesAt = (store: string) => box.list(store).filter((name) => name !== '.keep');
const stateOf = async (rule: number) => (await box.json<{ state: string }>('rule', 'show', String(rule))).state;

test('a rule over a dataset and a pattern brings copies, is listed beside the rules of profiles, and ends with its copies', async () => {
  await box.run(['dataset', 'create', 'data:runs']);
  await box.run(['dataset', 'add', 'data:runs', 'data:raw/*.csv']);
  const added = await box.run(['rule', 'add', 'data:runs', 'data:notes', '--copies', '1', '--stores', 'country=ch']);
  expect(added).toMatchObject({ code: 0, stdout: 'rule 1: ch\n', stderr: '  pando worker carries it out\n' });
  await work();
  expect(copiesAt('ch')).toHaveLength(3);
  const table = settled((await box.run(['rule', 'ls'])).stdout, box);
  expect(table.split('\n').map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
    'rule state copies at of there origin account',
    expect.stringMatching(/^1 OK 1 country=ch data:notes, data:runs 3\/3 asked \S+$/),
    '- mirror 1 near data: profile',
    '- mirror 1 far data: profile',
    '',
  ]);
  expect(await box.json('rule', 'ls', '--origin', 'profile')).toMatchObject([
    { id: null, origin: 'profile', scope: 'data', storeTitle: 'near', priority: 1 },
    { id: null, origin: 'profile', scope: 'data', storeTitle: 'far', priority: 2 },
  ]);

  // What leaves the dataset leaves the rule.
  await box.run(['dataset', 'rm', 'data:runs', 'data:raw/2.csv']);
  await work();
  expect(await box.json('rule', 'show', '1')).toMatchObject({
    state: 'OK',
    counts: { ok: 2, replicating: 0, stuck: 0 },
  });

  expect(await box.run(['rule', 'rm', '1', '--purge'])).toMatchObject({ code: 0, stderr: 'rule 1: ended\n' });
  await work();
  expect(copiesAt('ch').filter((name) => !name.endsWith('2.csv'))).toEqual([]);
  expect(await box.run(['rule', 'show', '1'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('there is no rule 1'),
  });
});

test('what is meant otherwise is told or refused, with what may be meant', async () => {
  const order = ['rule', 'add', 'data:notes', '--copies', '1', '--stores'];
  const mixed = await box.run([...order, 'ch|us&country=us', '--comment', 'mixed']);
  expect(mixed).toMatchObject({ code: 0, stderr: expect.stringContaining('this is (ch|us)&country=us') });
  const id = /rule (\d+)/.exec(mixed.stdout)?.[1] ?? '';
  const mistakes: [code: number, args: string[], said: string][] = [
    [5, [...order, 'ch|us&country=us'], `rule ${id} says the same already\n  → pando rule show ${id}`],
    [5, [...order, 'countri=ch'], 'did you mean country?'],
    [2, [...order, 'ch|'], 'is not understood at character 4'],
    [3, ['rule', 'add', 'data:nots', '--copies', '1', '--stores', 'ch'], 'did you mean data:notes?'],
    [3, ['rule', 'add', 'data:run', '--copies', '1', '--stores', 'ch'], 'did you mean data:runs?'],
    [3, ['rule', 'rm', '999'], 'there is no rule 999'],
    [2, ['rule', 'update', id], 'nothing is to be changed'],
    [2, ['rule', 'ls', 'dota'], 'did you mean data?'],
  ];
  for (const [code, args, said] of mistakes)
    expect(await box.run(args)).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(said) });
  const empty = await box.run([...order, 'country=de', '--allow-empty']);
  expect(empty).toMatchObject({ code: 0, stderr: expect.stringContaining('names no store now') });
  const other = /rule (\d+)/.exec(empty.stdout)?.[1] ?? '';
  expect(await box.run(['rule', 'rm', id, other])).toMatchObject({ code: 0 });
});

test('a suspended rule brings nothing until it is resumed; one that asks for approval waits for it', async () => {
  const suspended = await addRule('data:raw/*', '--copies', '1', '--stores', 'us');
  expect(await box.run(['rule', 'suspend', String(suspended)])).toMatchObject({ code: 0 });
  const asking = await addRule('data:notes', '--copies', '1', '--stores', 'us', '--ask-approval');
  expect(await stateOf(asking)).toBe('WAITING_APPROVAL');
  await work();
  expect(copiesAt('us')).toEqual([]);
  const why = await box.run(['explain', String(suspended)]);
  expect(why.stdout).toContain(`it is suspended until somebody resumes it (pando rule resume ${suspended})`);
  expect(await box.run(['rule', 'resume', String(suspended)])).toMatchObject({ code: 0 });
  expect(await box.json('rule', 'approve', String(asking))).toEqual([{ id: asking, isChanged: true }]);
  await work();
  expect(copiesAt('us')).toHaveLength(3);
  expect(await box.run(['rule', 'deny', String(asking)])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('it does not wait for approval'),
  });
  await box.run(['rule', 'rm', String(suspended), String(asking), '--purge']);
  await work();
  expect(copiesAt('us')).toEqual([]);
});

test('a rule that is moved keeps what it has until all is there, and ends then', async () => {
  const before = await addRule('data:raw/*', '--copies', '1', '--stores', 'us', '--purge');
  await work();
  expect(copiesAt('us')).toHaveLength(2);
  const moved = await box.json<{ id: number }>('rule', 'move', String(before), '--stores', 'jp');
  expect(await box.json('rule', 'show', String(before))).toMatchObject({ state: 'OK', replacedBy: moved.id });
  expect(await box.run(['rule', 'move', String(before), '--stores', 'ch'])).toMatchObject({
    code: 5,
    stderr: expect.stringContaining(`is being moved already, by rule ${moved.id}`),
  });
  // While jp takes no writes the copies stay where they are.
  await box.run(['store', 'set', 'jp', '--no-write']);
  await box.run(['worker', '--until-idle']);
  expect(copiesAt('us')).toHaveLength(2);
  expect(await box.json('store', 'show', 'jp')).toMatchObject({
    availability: { read: true, write: false, delete: true },
  });
  expect(await box.run(['store', 'set', 'jp', '--as-configured', '--write'])).toMatchObject({ code: 2 });
  expect(await box.json('store', 'set', 'jp', '--as-configured')).toMatchObject({
    availability: { read: true, write: true, delete: true },
  });
  await work();
  expect(copiesAt('jp')).toHaveLength(2);
  expect(copiesAt('us')).toEqual([]);
  expect(await box.run(['rule', 'show', String(before)])).toMatchObject({ code: 3 });
  await box.run(['rule', 'rm', String(moved.id), '--purge']);
  await work();
});

test('a locked rule neither ends nor moves until it is unlocked; what is changed is applied', async () => {
  const id = String(await addRule('data:notes', '--copies', '1', '--stores', 'ch|us', '--locked', '--lifetime', '30d'));
  for (const args of [
    ['rm', id],
    ['move', id, '--stores', 'jp'],
  ])
    expect(await box.run(['rule', ...args])).toMatchObject({ code: 5, stderr: expect.stringContaining('is locked') });
  await box.run([
    'rule',
    'update',
    id,
    '--copies',
    '2',
    '--no-locked',
    '--lifetime',
    'none',
    '--comment',
    'two of them',
  ]);
  await work();
  const shown = await box.json<Record<string, unknown>>('rule', 'show', id);
  expect(shown).toMatchObject({ state: 'OK', counts: { ok: 2 }, isLocked: false, comment: 'two of them' });
  expect(shown['expiresMs']).toBeUndefined();
  expect(await box.run(['rule', 'rm', id])).toMatchObject({ code: 0 });
});

test('a mirror in which a rule had placed copies is one as before: what the source lost, a sync deletes there', async () => {
  box.write({ 'data/mirrored/1': 'one', 'data/mirrored/2': '' });
  expect(await box.run(['sync', 'pando://data', '--replica-indices', '1', '-q'])).toMatchObject({ code: 0 });
  const rule = await addRule('data:mirrored/*', '--copies', '1', '--stores', 'near');
  await work();
  expect(copiesAt('near')).toContain('mirrored/1');
  expect(await box.run(['sync', 'pando://data', '-q'])).toMatchObject({ code: 0 });

  rmSync(box.path('data/mirrored/1'));
  const sync = ['sync', 'pando://data', '--delete-unmatched-files', '--exclude', '.keep'];
  expect(await box.run(sync)).toMatchObject({ code: 0 });
  for (const store of ['near', 'far'])
    expect(copiesAt(store).filter((name) => name.startsWith('mirrored/'))).toEqual(['mirrored/2']);
  expect(await box.run(['cat', 'data:mirrored/1'])).toMatchObject({ code: 3 });

  expect(await box.run(['rule', 'rm', String(rule), '--purge'])).toMatchObject({ code: 0 });
  await work();
  expect(copiesAt('near')).toContain('mirrored/2');
  rmSync(box.path('data/mirrored/2'));
  expect(await box.run(sync)).toMatchObject({ code: 0 });
  expect(copiesAt('near')).not.toContain('mirrored/2');
});

test('a copy that a rule has placed is not missing because a verify looks for its name in that store', async () => {
  const rule = await addRule('data:notes', '--copies', '1', '--stores', 'jp');
  await work();
  const verified = await box.run(['verify', 'pando://data', './jp', '--include', 'notes']);
  expect(verified).toMatchObject({ code: 1, stdout: expect.stringContaining('notes  at jp: it is not there') });
  const { replicas } = await box.json<{ replicas: { store: string; state: string }[] }>('object', 'show', 'data:notes');
  expect(replicas.filter(({ store }) => store.endsWith('/jp/'))).toMatchObject([{ state: 'AVAILABLE' }]);
  expect(await stateOf(rule)).toBe('OK');
});

test('what lies at the source of a profile without replicas is known after a sync of it, and a rule is about all of it', async () => {
  using box = new Sandbox();
  const profile = (name: string) => `  ${name}: {storage_provider: {type: file, options: {base_path: ${name}}}}\n`;
  box.write({ 'pando.yaml': `profiles:\n${profile('data')}${profile('lyon')}`, 'lyon/.keep': '' });
  box.write({ 'data/raw/1.csv': 'one', 'data/raw/2.csv': 'two', 'data/other': 'x' });
  const order = ['rule', 'add', 'data:raw/*', '--copies', '1', '--stores', 'lyon'];
  const unknown = await box.run(['rule', 'add', 'data:raw/1.csv', ...order.slice(3)]);
  expect(unknown).toMatchObject({ code: 3, stderr: expect.stringContaining('pando sync data:') });

  const dry = await box.run(['sync', 'data:', '--dry-run']);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('3 of its objects were new, and would be') });
  expect((await box.run(['object', 'ls', 'data:'])).stdout).not.toContain('raw/1.csv');
  const synced = await box.run(['sync', 'data:raw']);
  expect(synced.stdout).toContain('2 of its objects were new, and are known from now on');
  expect((await box.json<{ source: unknown }>('sync', 'data:')).source).toMatchObject({ objects: 3, registered: 1 });
  expect((await box.json<{ source: unknown }>('sync', 'data:')).source).toMatchObject({ objects: 3, registered: 0 });
  expect(await box.run(['explain', 'data:raw/1.csv'])).toMatchObject({
    stdout: expect.stringContaining('1 copy was seen and not verified yet. Nothing is missing.'),
  });

  expect(await box.run(order)).toMatchObject({ code: 0 });
  expect(await box.run(['worker', '--until-idle'])).toMatchObject({ code: 0 });
  expect((await box.json<{ state: string; counts: unknown }[]>('rule', 'ls'))[0]).toMatchObject({
    state: 'OK',
    counts: { ok: 2 },
  });
  expect(box.list('lyon').filter((name) => name.endsWith('.csv'))).toHaveLength(2);
});

test('a table of rules shows a pattern as it was written, and no line is as long as the longest expression', async () => {
  const stores = `ch|${Array.from({ length: 40 }, (_, at) => `country=c${at}`).join('|')}`;
  const id = await addRule('data:\\[draft\\]*', '--copies', '1', '--stores', stores);
  const { stdout } = await box.run(['rule', 'ls']);
  const line = stdout.split('\n').find((one) => one.trim().startsWith(`${id} `)) ?? '';
  expect(line).toContain(' data:\\[draft\\]* ');
  expect(line).toContain('…');
  expect(line.length).toBeLessThan(160);
  expect((await box.run(['rule', 'show', String(id)])).stdout).toContain(stores);
  await box.run(['rule', 'rm', String(id)]);
});
