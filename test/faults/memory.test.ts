import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SyncResult } from '../../src/engine/sync/sync-types.ts';
import { openSyncWorld, type SyncWorld } from '../sync/sync-world.ts';

const soak = process.env['PANDO_SOAK'] === '1';
const FILES = soak ? 1_000_000 : 10_000;
const LARGE_BYTES = soak ? 5 * 1024 ** 3 : 64 * 1024 ** 2;
const MIB = 1024 * 1024;
/**
 * Of the whole process with its threads, as the system measured it at its highest: 300 MB as installed, which the long tests
 * build and run. The sources are read by a compiler in each of six threads, which takes 15 MiB apiece.
 */
const PEAK_BYTES_MAX = soak ? 300e6 : 300e6 + 6 * 15 * MIB;
const repository = resolve(import.meta.dirname, '../..');
const entry = join(repository, soak ? 'dist/main.js' : 'src/cli/main.ts');

/** Leaves the highest resident memory in a file when the process ends. */
const PROBE = `
  import { readFileSync, writeFileSync } from 'node:fs';
  import { isMainThread } from 'node:worker_threads';
  if (isMainThread) process.on('exit', () => writeFileSync(process.env.PANDO_TEST_PEAK, readFileSync('/proc/self/status')));
`;

describe.runIf(process.platform === 'linux')('the memory of a sync', () => {
  beforeAll(() => {
    if (soak) execFileSync(process.execPath, [join(repository, 'scripts/build.mjs')], { cwd: repository });
  });

  test(`of ${FILES} empty files stays in bounds, copying, and finding nothing to do`, async () => {
    await using world = openSyncWorld();
    for (let i = 0; i < FILES; i++) {
      const directory = join(world.source, `d${Math.floor(i / 1000)}`);
      if (i % 1000 === 0) mkdirSync(directory);
      writeFileSync(join(directory, `file-${i}`), '');
    }
    for (const counts of [
      { added: FILES, unchanged: 0 },
      { added: 0, unchanged: FILES },
    ])
      expect(run(world)).toMatchObject({ state: 'done', targets: [counts] });
  });

  test(`of one file of ${LARGE_BYTES / MIB} MiB stays in bounds`, async () => {
    await using world = openSyncWorld();
    const chunk = Buffer.alloc(MIB, 'x');
    for (let i = 0; i < LARGE_BYTES / MIB; i++) writeFileSync(join(world.source, 'large'), chunk, { flag: 'a' });
    expect(run(world)).toMatchObject({ state: 'done', targets: [{ added: 1, bytes: LARGE_BYTES }] });
  });
});

/** One sync of the command line, in bounds; its result. */
function run(world: SyncWorld): SyncResult {
  const [probe, command, peak] = ['probe.mjs', 'command.mjs', 'peak'].map((name) => join(world.root, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(probe, PROBE);
  writeFileSync(
    command,
    `import { main } from ${JSON.stringify(pathToFileURL(entry).href)};\nprocess.exitCode = await main(process.argv.slice(2));\n`,
  );
  const words = ['--import', probe, command, 'sync', world.source, world.targets[0] as string, '--json'];
  const output = execFileSync(process.execPath, words, {
    encoding: 'utf8',
    maxBuffer: 1e8,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', PANDO_DATA: join(world.root, 'data'), PANDO_TEST_PEAK: peak },
  });
  const result = JSON.parse(output) as SyncResult;
  const peakBytes = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(peak, 'utf8'))?.[1]) * 1024;
  process.stderr.write(
    `memory: ${result.source.objects} objects of ${result.source.bytes} bytes, ${result.targets[0]?.added} copied: ${Math.round(peakBytes / 1e6)} MB at most, ${result.seconds.toFixed(1)} s\n`,
  );
  expect(peakBytes).toBeLessThan(PEAK_BYTES_MAX);
  return result;
}
