import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { SyncResult } from '../../src/engine/sync/sync-types.ts';
import { Sandbox } from './sandbox.ts';

async function plan(box: Sandbox, level: string): Promise<string> {
  return (await box.run(['sync', 'src', 'one', '--verify', level, '--plan', '-'])).stdout;
}

test('--verify reads the copies that were only seen, and what is found wrong is copied', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'right', 'src/b': 'good' });
  cpSync(box.path('src'), box.path('one'), { recursive: true, preserveTimestamps: true });
  box.damage('one', 'a');
  await box.run(['sync', 'src', 'one']);
  expect((await box.run(['stat', 'src/a'])).stdout).toContain('UNVERIFIED');
  const result = await box.json<SyncResult>('sync', 'src', 'one', '--verify', 'written');
  expect(result).toMatchObject({ state: 'done', targets: [{ updated: 1, unchanged: 1, failed: 0 }] });
  expect(box.read('one', 'a')).toBe('right');
  expect((await box.run(['stat', 'src/b'])).stdout).not.toContain('UNVERIFIED');
  expect(await plan(box, 'written')).not.toContain('"key"');
});

test.each(['size-mtime', 'version'])('--verify reads with --compare %s too, where nothing was known', async (how) => {
  using box = new Sandbox();
  box.write({ 'src/a': 'right' });
  cpSync(box.path('src'), box.path('one'), { recursive: true, preserveTimestamps: true });
  box.damage('one', 'a');
  expect(await box.run(['sync', 'src', 'one', '--compare', how, '--verify', 'read-back'])).toMatchObject({ code: 0 });
  expect(box.read('one', 'a')).toBe('right');
});

test('--verify reads again what is recorded at a weaker level, once', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': 'aa', 'src/b': 'bb' });
  await box.run(['sync', 'src', 'one']);
  expect(await plan(box, 'written')).not.toContain('"key"');
  expect(await plan(box, 'read-back')).toMatch(/"compare".*"a"[^]*"compare".*"b"/);
  expect(await box.run(['sync', 'src', 'one', '--verify', 'read-back'])).toMatchObject({ code: 0 });
  expect((await box.run(['stat', 'src/a'])).stdout).toMatch(/\/one\/ +AVAILABLE +read-back/);
  expect(await plan(box, 'read-back')).not.toContain('"key"');
});
