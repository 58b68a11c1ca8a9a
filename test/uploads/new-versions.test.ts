import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditStores } from '../../src/client/audit-stores.ts';
import { deleteUploaded } from '../../src/client/delete-uploaded.ts';
import { download } from '../../src/client/download.ts';
import { explain, resolve as resolveObject } from '../../src/client/explain.ts';
import { upload, type UploadOptions } from '../../src/client/upload.ts';
import { Pando } from '../../src/compose.ts';
import { startedFile } from '../started-files.ts';
import { Doors } from './faulty-doors.ts';

const CONFIGURATION = `
profiles:
  ONE: {storage_provider: {type: file, options: {base_path: one}}, paths: {algorithm: identity}, greedy: true}
  TWO: {storage_provider: {type: file, options: {base_path: two}}, paths: {algorithm: identity}}
`;

let doors: Doors;
let pando: Pando;
beforeEach(async () => {
  doors = new Doors();
  doors.open('one', 'two');
  doors.write('../pando.yaml', CONFIGURATION);
  pando = new Pando(doors.configure(CONFIGURATION));
  expect((await send('one', { store: 'ONE' })).files).toMatchObject([{ state: 'uploaded' }]);
});
afterEach(async () => {
  await pando[Symbol.asyncDispose]();
  doors[Symbol.dispose]();
});

const SCOPE = 'user.jdoe';

const send = (text: string, options: UploadOptions = {}) =>
  upload({ pando, account: 'jdoe', scope: SCOPE }, options.resume === true ? [] : [doors.write('a', text)], options);

let downloads = 0;
async function read(): Promise<{ readonly text: string; readonly isNewest: boolean }> {
  const to = join(doors.root, `out-${++downloads}`);
  const [saved] = await download({ pando, scope: SCOPE }, ['a'], { to });
  expect(saved).toMatchObject({ state: 'downloaded' });
  return { text: readFileSync(join(to, 'a'), 'utf8'), isNewest: saved?.newer === undefined };
}

async function work(): Promise<void> {
  const catalog = await pando.catalog();
  await catalog.hasten({ fact: 'asked' });
  const worker = (owner: string) => pando.keepRules({ owner, until: 'idle', exceptScopes: [] });
  await Promise.all([worker('one'), worker('two')]);
}

async function rules(): Promise<readonly (readonly [id: number, state: string])[]> {
  const found = await (await pando.catalog()).listRules({ limit: 10 });
  return found.map(({ id, state }) => [id, state] as const);
}

/** Store TWO is away. */
async function failToSend(text: string): Promise<void> {
  renameSync(join(doors.root, 'two'), join(doors.root, 'away'));
  expect((await send(text, { store: 'TWO', overwrite: true })).files).toMatchObject([{ state: 'failed' }]);
  renameSync(join(doors.root, 'away'), join(doors.root, 'two'));
  // What found its directory gone goes by that as long as it runs.
  await pando[Symbol.asyncDispose]();
  pando = new Pando(doors.configure(CONFIGURATION));
}

async function killWhileSending(text: string, store: string): Promise<void> {
  const path = doors.write('a', text);
  const script = startedFile(resolve(import.meta.dirname, 'upload-child.ts'));
  const child = spawn(process.execPath, [script, doors.root, store, path]);
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}

async function expectClean(): Promise<void> {
  const audited = await auditStores(pando, { stores: [], options: { withChecksums: true } });
  for (const { state, counts } of audited.stores) {
    expect(state).toBe('clean');
    expect(counts).toMatchObject({ lost: 0, dark: 0, corrupt: 0, stale: 0 });
  }
  const status = await (await pando.catalog()).status();
  expect(status.lost.count).toBe(0);
  expect(status.requests.filter(({ state }) => state !== 'CANCELLED')).toEqual([]);
}

test('while a new version has come nowhere the one before is had, and then the new one', async () => {
  await failToSend('other');
  await work();
  expect(await read()).toEqual({ text: 'one', isNewest: false });
  const resolved = await resolveObject(pando, 'a', SCOPE);
  const { version, earlier, isLost } = (await explain(pando, 'a', SCOPE)) as Exclude<
    Awaited<ReturnType<typeof explain>>,
    { kind: 'rule' }
  >;
  expect(isLost).toBe(false);
  expect(resolved).toMatchObject({ version: earlier, newer: version, replicas: [{ store: 'ONE' }] });
  expect((await send('', { resume: true })).files).toMatchObject([{ state: 'uploaded' }]);
  expect(await read()).toEqual({ text: 'other', isNewest: true });
  await work();
  expect(readFileSync(join(doors.root, 'one', SCOPE, 'a'), 'utf8')).toBe('other');
  expect(await rules()).toEqual([
    [1, 'OK'],
    [2, 'OK'],
  ]);
  await expectClean();
});

test('the only good copy stays while the new version is on its way, whatever becomes of its rule', async () => {
  await failToSend('other');
  const catalog = await pando.catalog();
  // Its store keeps nothing that is released.
  await catalog.tellRule(1, 'deleted');
  await work();
  await auditStores(pando, { stores: ['ONE'], options: { repair: true, adopt: true, percentMax: 100 } });
  await work();
  expect(await read()).toEqual({ text: 'one', isNewest: false });
  expect((await send('', { resume: true })).files).toMatchObject([{ state: 'uploaded' }]);
  await work();
  expect(await read()).toEqual({ text: 'other', isNewest: true });
  await expectClean();
});

test('an upload that was killed and is given up leaves the version before, without a byte that is copied', async () => {
  await killWhileSending('other', 'ONE');
  expect(await read()).toEqual({ text: 'one', isNewest: false });
  await (await pando.catalog()).tellRule(2, 'deleted');
  await work();
  expect(await read()).toEqual({ text: 'one', isNewest: true });
  expect(await rules()).toEqual([[1, 'OK']]);
  await expectClean();
  expect((await send('', { resume: true })).files).toEqual([]);
  // The next one is a new version of it.
  expect((await send('third', { store: 'ONE', overwrite: true })).files).toMatchObject([{ state: 'uploaded' }]);
  expect(await read()).toEqual({ text: 'third', isNewest: true });
});

test('a copy of the version before that is declared bad is not read', async () => {
  await failToSend('other');
  const store = [...pando.stores().values()].find(({ name }) => name === 'ONE')?.place ?? '';
  const declared = await (await pando.ruleDesk()).declareBad({ scope: SCOPE, name: 'a' }, { store, title: 'ONE' });
  expect(declared).toEqual({ kind: 'declared', isLost: true });
  const [failed] = await download({ pando, scope: SCOPE }, ['a'], { to: join(doors.root, 'out') });
  expect(failed).toMatchObject({ state: 'failed', kind: 'unavailable' });
  expect(failed?.why).toContain('ONE: its bytes were found wrong or gone');
});

test('what is deleted while its new version is on its way is gone, whoever brings it', async () => {
  await failToSend('other');
  const deleted = await deleteUploaded({ pando, scope: SCOPE }, 'a');
  expect(deleted).toMatchObject({ left: [], pending: [] });
  expect((await send('', { resume: true })).files).toEqual([]);
  await work();
  const [failed] = await download({ pando, scope: SCOPE }, ['a'], { to: join(doors.root, 'out') });
  expect(failed).toMatchObject({ state: 'failed', kind: 'not-found' });
  expect(await rules()).toEqual([
    [1, 'OK'],
    [2, 'OK'],
  ]);
  await expectClean();
});
