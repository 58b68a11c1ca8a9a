import { expect, test } from 'vitest';
import type { CopyItem } from '../../src/ports/copy-pool.ts';
import { threadLink } from '../../src/transfer-tools/worker-link.ts';
import { WorkerPool } from '../../src/transfer-tools/worker-pool.ts';

test('a worker that meets an error over a page answers for every copy and every read of it as failed', async () => {
  const entry = new URL('./crashing-worker-child.ts', import.meta.url);
  const open = threadLink(entry, {});
  const lost: string[] = [];
  const onRetry = (): void => undefined;
  const shape = { workers: 1, pagesPerWorker: 1, pageItems: 8 };
  const onLost = (why: string): void => void lost.push(why);
  await using pool = new WorkerPool({ ...shape, open, onWorkerLost: onLost, onCannotStart: onLost, onRetry });
  const targets = [0, 1].map((target) => ({ target, how: 'copy', expected: undefined }) as const);
  const item = (key: string): CopyItem => ({ key, size: 1, targets, operation: key, known: undefined });
  const page = { items: [item('a'), item('b')], publishUntilMs: Infinity, readBack: false };
  const outcomes = await pool.run(page, () => undefined);
  const failed = { kind: 'failed', failure: { message: expect.stringContaining('nobody foresaw this') as string } };
  expect(outcomes).toMatchObject([
    { key: 'a', source: undefined, targets: [failed, failed] },
    { key: 'b', source: undefined, targets: [failed, failed] },
  ]);
  const reads = [0, 1].map((store) => ({ store, key: 'a', token: 't' }));
  expect(await pool.read({ items: reads }, () => undefined)).toMatchObject([failed, failed]);
  expect(lost).toEqual([]);
});
