import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { copyPage } from '../../src/engine/sync/copy-page.ts';
import type { CopyItem, CopyOutcome } from '../../src/ports/copy-pool.ts';
import { type Storage, StorageError } from '../../src/ports/storage.ts';
import { openFileStorage } from '../../src/storage/file/file-storage.ts';
import { overStorage } from '../../src/storage/over-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';

/** What a copy worker does with small objects of stores whose calls block: read and staged without waiting, where all of them can. */
describe.runIf(process.platform === 'linux')('small objects of stores that block', () => {
  let root: string;
  let stores: Storage[];

  beforeEach(() => {
    root = fs.mkdtempSync(join(tmpdir(), 'pando-at-once-'));
    for (const name of ['source', 'a', 'b']) fs.mkdirSync(join(root, name));
    stores = ['source', 'a', 'b'].map((name) =>
      openFileStorage({
        name,
        basePath: join(root, name),
        blocking: true,
        ...(name === 'b' ? { unnamedFiles: 0 } : {}),
      }),
    );
    for (let i = 0; i < 20; i++) fs.writeFileSync(join(root, `source/o${i}`), `bytes of ${i}`);
  });
  afterEach(async () => {
    for (const store of stores) await store[Symbol.asyncDispose]();
    fs.rmSync(root, { recursive: true });
  });

  const itemOf = (i: number): CopyItem => ({
    key: `o${i}`,
    size: 10,
    targets: [0, 1].map((target) => ({ target, how: 'copy', expected: undefined })),
    operation: `01890000-0000-7000-8000-${String(i).padStart(12, '0')}`,
    known: undefined,
  });
  const copy = (
    [source, ...targets] = stores as [Storage, ...Storage[]],
    more: Partial<Parameters<typeof copyPage>[0]> = {},
  ): Promise<CopyOutcome[]> =>
    copyPage(
      {
        clock: systemClock,
        source,
        targets,
        itemsAtOnce: 3,
        publishUntilMs: () => Number.POSITIVE_INFINITY,
        heldBack: () => [],
        signal: new AbortController().signal,
        onMoved: () => undefined,
        ...more,
      },
      {
        items: Array.from({ length: 20 }, (_, i) => itemOf(i)),
        publishUntilMs: Number.POSITIVE_INFINITY,
        readBack: false,
      },
    );
  const kinds = (outcomes: readonly CopyOutcome[], target: number): string[] =>
    outcomes.map(({ targets }) => targets[target]?.kind ?? '');
  const at = (name: string): string[] =>
    fs
      .readdirSync(join(root, name))
      .filter((one) => one !== '.pando')
      .toSorted();
  const all = Array.from({ length: 20 }, (_, i) => `o${i}`).toSorted();

  test('are read once, also for a target that has to be waited for', async () => {
    const [source, a, b] = stores as [Storage, Storage, Storage];
    const reads = { get: 0, atOnce: 0 };
    const counted = overStorage(source, {
      get: (key, options) => {
        reads.get++;
        return source.get(key, options);
      },
      getAtOnce: (key, options) => {
        const got = source.getAtOnce?.(key, options);
        if (got !== undefined) reads.atOnce++;
        return got;
      },
    });
    const outcomes = await copy([counted, a, b]);
    expect(reads).toEqual({ get: 0, atOnce: 20 });
    for (const target of [0, 1]) expect(new Set(kinds(outcomes, target))).toEqual(new Set(['copied']));
    for (const name of ['a', 'b']) {
      expect(at(name)).toEqual(all);
      expect(fs.readFileSync(join(root, name, 'o7'), 'utf8')).toBe('bytes of 7');
    }
  });

  test('that change while they are read are read again, and nothing older is published', async () => {
    const { readSync } = fs;
    const read = vi.spyOn(fs, 'readSync').mockImplementationOnce((...args: Parameters<typeof readSync>) => {
      const count = readSync(...args);
      fs.writeFileSync(join(root, 'source/o0'), 'other bytes');
      return count;
    });
    const outcomes = await copy();
    read.mockRestore();
    expect(outcomes[0]).toMatchObject({ attempts: 2, source: { size: 11 } });
    expect(outcomes[1]).toMatchObject({ attempts: 1 });
    expect(fs.readFileSync(join(root, 'a/o0'), 'utf8')).toBe('other bytes');
    expect(fs.readFileSync(join(root, 'b/o0'), 'utf8')).toBe('other bytes');
  });

  test('that one target refuses are copied to the other', async () => {
    const [source, a, b] = stores as [Storage, Storage, Storage];
    const full = overStorage(a, {
      stageAtOnce: (key) => {
        throw new StorageError('full', { store: 'a', key }, 'no space left');
      },
    });
    const outcomes = await copy([source, full, b]);
    expect(outcomes[3]?.targets[0]).toMatchObject({ kind: 'failed', failure: { kind: 'full', at: 'destination' } });
    expect(kinds(outcomes, 1)).toEqual(all.map(() => 'copied'));
    expect(at('a')).toEqual([]);
  });

  test('are not published where writes are held back, nor begun after a stop', async () => {
    const held = await copy(undefined, { heldBack: () => [{ target: 0, prefix: 'o1', why: 'it is away' }] });
    expect(held.filter(({ targets }) => targets[0]?.kind === 'failed').map(({ key }) => key)).toEqual(
      Array.from({ length: 20 }, (_, i) => `o${i}`).filter((key) => key.startsWith('o1')),
    );
    expect(at('a')).toEqual(all.filter((key) => !key.startsWith('o1')));
    expect(at('b')).toEqual(all);
    const stopped = await copy(undefined, { signal: AbortSignal.abort() });
    for (const { targets } of stopped)
      expect(targets[0]).toMatchObject({ kind: 'failed', failure: { kind: 'aborted' } });
  });

  test('lie at no target when the lease is over before they are published', async () => {
    const outcomes = await copy(undefined, { publishUntilMs: () => 0 });
    for (const target of [0, 1]) expect(new Set(kinds(outcomes, target))).toEqual(new Set(['failed']));
    for (const name of ['a', 'b']) {
      expect(at(name)).toEqual([]);
      const staging = join(root, name, '.pando/staging');
      expect(fs.readdirSync(staging, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())).toEqual(
        [],
      );
    }
  });
});
