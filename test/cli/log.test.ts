import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Sandbox, settled } from './sandbox.ts';

/** What the log says, without the facts that differ from run to run. */
function lines(stderr: string, box: Sandbox): string[] {
  return settled(stderr, box).trim().split('\n');
}

test('-v tells the decisions of a sync, -vv each object too, and stdout stays the result', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'aaaa', 'data/b c': 'bb', 'far/extra': 'x' });
  const some = await box.run(['sync', 'data:', '-v', '--json', '--delete-unmatched-files', '--max-delete', '100%']);
  expect(JSON.parse(some.stdout)).toMatchObject({ state: 'done' });
  expect(lines(some.stderr, box)).toEqual([
    'pando: info: configuration file=/sandbox/pando.yaml catalog=sqlite',
    'pando: info: store opened store=data place=file:///sandbox/data/',
    'pando: info: store opened store=near place=file:///sandbox/near/',
    'pando: info: store opened store=far place=file:///sandbox/far/',
    'pando: info: leases taken sync=<id> targets="near, far"',
    'pando: info: listings read to their end objects=2 bytes=6 planned=12',
    'pando: info: page recorded objects=2 done=2 copied=12 failed=0',
    'pando: info: deletes allowed target=near unmatched=0 listed=0',
    'pando: info: deletes allowed target=far unmatched=1 listed=1',
    // Asked by this process and by its workers; the failure is the source that was asked before the delete.
    'pando: info: store used place=file:///sandbox/data/ get=2 head=1 list=2 failures=1 bytesRead=6 bytesWritten=0',
    expect.stringMatching(
      /store used place=\S+near\/ stage=2 flush=2 publish=2 .*failures=0 bytesRead=0 bytesWritten=6$/,
    ),
    expect.stringMatching(/store used place=\S+far\/ list=1 delete=1 stage=2 flush=2 publish=2 .*bytesWritten=6$/),
  ]);
  box.write({ 'data/a': 'changed' });
  const all = await box.run(['sync', 'data:', '-vv', '--json']);
  expect(JSON.parse(all.stdout)).toMatchObject({ state: 'done' });
  expect(lines(all.stderr, box).filter((line) => line.startsWith('pando: debug'))).toEqual([
    'pando: debug: planned action=update object=a target=near',
    'pando: debug: planned action=update object=a target=far',
    'pando: debug: copied object=a target=near bytes=7 verified=written',
    'pando: debug: copied object=a target=far bytes=7 verified=written',
  ]);
});

test('-v tells what worker processes asked of each store', async () => {
  using box = new Sandbox();
  box.write({ 'src/a': '1', 'src/b': '22' });
  const { stderr } = await box.run(['sync', 'src', 'one', '--worker-processes', '2', '-v']);
  expect(lines(stderr, box)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/store used place=\S+src\/ get=2 .*bytesRead=3 bytesWritten=0$/),
      expect.stringMatching(/store used place=\S+one\/ stage=2 flush=2 publish=2 .*bytesWritten=3$/),
    ]),
  );
});

test('-v tells when a read falls back, and -vv who served', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'aaaa' });
  await box.run(['sync', 'data:']);
  box.damage('near/a');
  const { stdout, stderr } = await box.run(['cat', 'data:a', '-vv']);
  expect(stdout).toBe('aaaa');
  expect(lines(stderr, box)).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^pando: info: a source failed, the next one is asked object=data:a why="near: a: .*"$/),
      'pando: debug: read object=data:a from=far',
    ]),
  );
});

test('-vv tells what verify found of each object', async () => {
  using box = new Sandbox();
  box.configure();
  box.write({ 'data/a': 'aaaa', 'near/a': 'aaaa' });
  mkdirSync(box.path('far'));
  const { stderr } = await box.run(['verify', 'data:', '-vv']);
  expect(stderr).toContain('pando: debug: read again object=a found="data intact, near intact, far missing"\n');
});
