import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { download } from '../../src/client/download.ts';
import { upload, type UploadOptions } from '../../src/client/upload.ts';
import { startedFile } from '../started-files.ts';
import { Doors, FaultyPando } from './faulty-doors.ts';

const CONFIGURATION = `
profiles:
  ONE:
    storage_provider: {type: file, options: {base_path: one}}
    paths: {algorithm: identity}
    domains: {wan: {read: 1, write: 1, delete: 0}}
    protocols:
      - {name: other, storage_provider: {type: file, options: {base_path: one-other}}, domains: {wan: {read: 0, write: 0}}}
`;

let doors: Doors;
let pando: FaultyPando;
beforeEach(() => {
  doors = new Doors();
  doors.open('one', 'one-other');
  writeFileSync(join(doors.root, 'pando.yaml'), CONFIGURATION);
  pando = new FaultyPando(doors.configure(CONFIGURATION));
});
afterEach(async () => {
  await pando[Symbol.asyncDispose]();
  doors[Symbol.dispose]();
});

const send = (paths: readonly string[], options: UploadOptions = {}) =>
  upload({ pando, account: 'jdoe', scope: 'user.jdoe' }, paths, options);

async function locksOf(name: string) {
  const locks = await (await pando.catalog()).listLocks({ name: { scope: 'user.jdoe', name }, limit: 10 });
  return locks.map(({ lock, replica }) => ({
    lock: lock.state,
    why: 'reason' in lock ? lock.reason.detail : '',
    replica,
  }));
}

test('an upload that was killed is gone on with, without its files being named, and becomes a member', async () => {
  const paths = [doors.write('a', 'bytes of a'), doors.write('b', 'bytes of b')];
  const script = startedFile(resolve(import.meta.dirname, 'upload-child.ts'));
  const child = spawn(process.execPath, [script, doors.root, 'ONE', ...paths]);
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
  expect(await locksOf('a')).toEqual([{ lock: 'REPLICATING', why: '', replica: 'COPYING' }]);
  const resumed = await send([], { resume: true });
  expect(resumed.files.map(({ name, state }) => [name, state])).toEqual([
    ['a', 'uploaded'],
    ['b', 'uploaded'],
  ]);
  expect(await locksOf('a')).toEqual([{ lock: 'OK', why: '', replica: 'AVAILABLE' }]);
  const dataset = await (await pando.catalog()).readCollection({ scope: 'user.jdoe', name: 'd' });
  expect(dataset?.members).toBe(2);
  expect((await send([], { resume: true })).files).toEqual([]);
});

test('an upload that is stopped is given back at once, with a reason, and a worker finds nothing to do', async () => {
  const path = doors.write('a', 'bytes of a');
  const stop = new AbortController();
  const stopped = await send([path], {
    signal: stop.signal,
    onStep: ({ kind }) => void (kind === 'sending' && stop.abort()),
  });
  expect(stopped.files).toMatchObject([{ state: 'interrupted' }]);
  const why = 'its upload was interrupted: pando upload --resume';
  expect(await locksOf('a')).toEqual([{ lock: 'STUCK', why, replica: 'UNAVAILABLE' }]);
  const catalog = await pando.catalog();
  await catalog.hasten({ fact: 'asked' });
  await pando.keepRules({ owner: 'worker', until: 'idle', exceptScopes: [] });
  expect(await locksOf('a')).toEqual([{ lock: 'STUCK', why, replica: 'UNAVAILABLE' }]);
  // The same command again is all it takes.
  expect((await send([path])).files).toMatchObject([{ state: 'uploaded' }]);
  expect(await locksOf('a')).toEqual([{ lock: 'OK', why: '', replica: 'AVAILABLE' }]);
});

test('bytes that were published and not recorded are not sent again', async () => {
  const path = doors.write('a', 'bytes of a');
  const catalog = await pando.catalog();
  const { finishUploads } = catalog;
  catalog.finishUploads = () => Promise.reject(new Error('the catalog went away'));
  await expect(send([path])).rejects.toThrow('the catalog went away');
  catalog.finishUploads = finishUploads;
  const [begun] = await catalog.listUploads({ limit: 10 });
  await catalog.renewRequests([{ requestId: begun?.request ?? 0, token: 1 }], 0);
  const steps: string[] = [];
  const again = await send([path], { onStep: ({ kind }) => void steps.push(kind) });
  expect(again.files).toMatchObject([{ state: 'present' }]);
  expect(steps).not.toContain('sent-bytes');
  expect(await locksOf('a')).toEqual([{ lock: 'OK', why: '', replica: 'AVAILABLE' }]);
});

test('when every protocol fails the copy is given up with the reason, and uploaded when it is asked for again', async () => {
  const path = doors.write('a', 'bytes of a');
  const door = await pando.door('ONE', 'other');
  door.faults = { fail: { kind: 'unavailable' } };
  writeFileSync(join(doors.root, 'one', 'user.jdoe'), 'a file where a directory is wanted');
  const failed = await send([path]);
  expect(failed.files[0]).toMatchObject({ state: 'failed', failed: [{ protocol: 'other' }, { protocol: 'file' }] });
  const [lock] = await locksOf('a');
  expect(lock).toMatchObject({ lock: 'STUCK', replica: 'UNAVAILABLE' });
  expect(lock?.why).toContain('pando upload --resume');
  const [begun] = await (await pando.catalog()).listUploads({ limit: 10 });
  const attempts = await (await pando.catalog()).readAttempts([begun?.request ?? 0]);
  expect(attempts.map(({ protocol, outcome }) => [protocol, outcome])).toEqual([
    ['other', 'failed'],
    ['file', 'failed'],
  ]);
  rmSync(join(doors.root, 'one', 'user.jdoe'));
  expect((await send([], { resume: true })).files).toMatchObject([
    { state: 'uploaded', failed: [{ protocol: 'other' }] },
  ]);
});

test('a file that changes between its hash and its bytes is not uploaded', async () => {
  const path = doors.write('a', 'bytes of a');
  const changed = await send([path], {
    onStep: ({ kind }) => void (kind === 'sending' && writeFileSync(path, 'other bytes')),
  });
  expect(changed.files).toMatchObject([{ state: 'failed', why: 'it changed while it was being uploaded' }]);
  expect((await send([path])).files).toMatchObject([{ state: 'uploaded' }]);
  expect(readFileSync(join(doors.root, 'one/user.jdoe/a'), 'utf8')).toBe('other bytes');
});

test('a download takes the next protocol where one gives wrong bytes, and says nothing against the store', async () => {
  await send([doors.write('a', 'bytes of a')]);
  (await pando.door('ONE', 'other')).faults = { corruptBodyAt: 2 };
  const to = join(doors.root, 'out');
  const [saved] = await download({ pando, scope: 'user.jdoe' }, ['a'], { to });
  expect(saved).toMatchObject({ state: 'downloaded' });
  expect(readFileSync(join(to, 'a'), 'utf8')).toBe('bytes of a');
  expect(await locksOf('a')).toEqual([{ lock: 'OK', why: '', replica: 'AVAILABLE' }]);
});
