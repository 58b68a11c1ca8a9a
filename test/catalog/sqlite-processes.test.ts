import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { openSqliteCatalog } from '../../src/catalog/open-sqlite.ts';
import { startedFile } from '../started-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'pando-catalog-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const recorder = startedFile(join(import.meta.dirname, 'recorder-child.ts'));
const kills = process.env['PANDO_SOAK'] === '1' ? 50 : 5;

describe('several processes on one SQLite file', () => {
  it('record at once, with numbers without gaps or doubles', async () => {
    const path = join(directory, 'several.db');
    const runs = ['a', 'b', 'c'].map((prefix) => startRecorder(path, prefix, { count: 300, callers: 4 }));
    const acknowledged = await Promise.all(runs.map(({ done }) => done));
    expect(acknowledged.map(({ names }) => names.length)).toEqual([300, 300, 300]);
    expectWhole(
      path,
      acknowledged.flatMap(({ names }) => names),
    );
  });

  it('see what the others committed', async () => {
    const path = join(directory, 'seen.db');
    await using catalog = await openSqliteCatalog({ path });
    await startRecorder(path, 'theirs-', { count: 3, callers: 1 }).done;
    const found = await catalog.readObject('shared', 'theirs-2');
    expect(found?.replicas).toMatchObject([{ store: 'test:source', token: 't2' }]);
  });
});

describe('a process that is killed', () => {
  it(`leaves everything it was told is recorded, ${kills} times`, async () => {
    const path = join(directory, 'killed.db');
    const acknowledged: string[] = [];
    for (let round = 0; round < kills; round++) {
      const run = startRecorder(path, `round-${round}-`, { count: 1e9, callers: 1 + (round % 3) * 8 });
      await run.first;
      await sleep(20 + ((round * 37) % 150));
      run.child.kill('SIGKILL');
      acknowledged.push(...(await run.done).names);
    }
    expect(acknowledged.length).toBeGreaterThan(kills);
    expectWhole(path, acknowledged);
  });
});

interface Run {
  readonly child: ChildProcess;
  /** When the first name was printed. */
  readonly first: Promise<void>;
  readonly done: Promise<{ readonly names: readonly string[] }>;
}

function startRecorder(path: string, prefix: string, options: { count: number; callers: number }): Run {
  const args = [recorder, path, prefix, String(options.count), String(options.callers)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  let errors = '';
  const first = Promise.withResolvers<void>();
  child.stdout.on('data', (text) => {
    printed += text;
    first.resolve();
  });
  child.stderr.on('data', (text) => {
    errors += text;
  });
  const done = new Promise<{ names: string[] }>((resolve, reject) => {
    child.once('close', (code, signal) => {
      // A line that was cut short was printed, but perhaps not in full.
      const names = printed.split('\n').slice(0, -1);
      if (code === 0 || signal === 'SIGKILL') resolve({ names });
      else reject(new Error(`the recorder ended with ${code ?? signal}: ${errors}`));
    });
  });
  return { child, first: first.promise, done };
}

/** Looks at the file itself: all acknowledged objects, each number once, an intact database. */
function expectWhole(path: string, acknowledged: readonly string[]): void {
  const database = new DatabaseSync(path);
  try {
    expect(database.prepare('pragma integrity_check').all()).toMatchObject([{ integrity_check: 'ok' }]);
    const names = new Set(
      database
        .prepare('select name from object')
        .all()
        .map(({ name }) => name),
    );
    expect(acknowledged.filter((name) => !names.has(name))).toEqual([]);
    const slots = database.prepare('select counter from slot').all();
    expect(slots).toHaveLength(1);
    const counters = database.prepare('select counter from version order by counter').all();
    expect(counters.map(({ counter }) => counter)).toEqual(counters.map((_, at) => at + 1));
    expect(slots[0]?.['counter']).toBe(counters.length);
    expect(database.prepare('select counter from considered').all()).toMatchObject([{ counter: counters.length }]);
    const lonely =
      'select count(*) as n from version v where not exists (select 1 from replica r where r.version = v.id)';
    expect(database.prepare(lonely).get()).toMatchObject({ n: 0 });
  } finally {
    database.close();
  }
}
