import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Pando } from '../../src/compose.ts';
import { makeProfile } from '../../src/config/make-profile.ts';
import type { Transfer } from '../../src/ports/transfer-tool.ts';
import { patternBytes, putObject, readObject } from '../../src/testing/storage-contract/harness.ts';
import { contentOf } from '../../src/testing/transfer-tool-contract/harness.ts';
import { LocalTool } from '../../src/transfer-tools/local/local-tool.ts';

test.each([
  ['threads', undefined],
  ['processes', 1],
])('%s of this process move bytes between any two of its stores', async (_, workerProcesses) => {
  const root = mkdtempSync(join(tmpdir(), 'pando-local-'));
  const catalog = { kind: 'sqlite', path: ':memory:' } as const;
  await using pando = new Pando({ file: undefined, catalog, profiles: {} });
  const stores = await Promise.all(
    ['a', 'b', 'c'].map((name) => {
      const basePath = join(root, name);
      mkdirSync(basePath);
      return pando.openStore(makeProfile(name, { type: 'file', basePath }));
    }),
  );
  const [a, b, c] = stores;
  if (a === undefined || b === undefined || c === undefined) throw new Error('no stores');
  const { openPool } = await pando.syncPorts({ workerProcesses });
  await using tool = new LocalTool({
    pool: await openPool(a, stores, { scope: 'any', lease: undefined, leaseMs: undefined }),
    stores: stores.map(({ place }) => place),
    readBack: false,
  });
  // A lease as the engine gives it: in time, and by the clock of the workers.
  tool.extend(pando.clock.monotonicMs() + 60_000);
  const sizes = [0, 100, 70_000, 9 * 1024 * 1024];
  const transfers = await Promise.all(
    sizes.map(async (size, at): Promise<Transfer> => {
      const bytes = patternBytes(size, at);
      const [from, to] = at % 2 === 0 ? [b, c] : [c, a];
      const { token } = await putObject(from, `from/${at}`, bytes);
      return {
        attempt: `${at}`,
        sources: [{ store: from.place, key: `from/${at}`, url: undefined, token }],
        destination: { store: to.place, key: `to/${at}`, url: undefined },
        onto: undefined,
        content: contentOf(bytes),
        priority: 0,
      };
    }),
  );
  const [first] = transfers;
  if (first === undefined) throw new Error('no transfers');
  const missing = { ...first, attempt: 'missing', destination: { ...first.destination, key: 'to/missing' } };
  const gone = { ...missing, sources: [{ store: b.place, key: 'gone', url: undefined, token: undefined }] };
  await tool.submit([...transfers, gone]);
  const ids = [...transfers, gone].map(({ attempt }) => attempt);
  let statuses = await tool.poll(ids);
  while (statuses.some(({ kind }) => kind === 'running')) {
    await pando.clock.sleep(10);
    statuses = await tool.poll(ids);
  }
  const arrived = { kind: 'final', outcome: { kind: 'arrived', isLate: false } };
  const failed = { kind: 'final', outcome: { kind: 'failed', failed: [{ at: 'source', kind: 'not-found' }] } };
  expect(statuses).toMatchObject([...transfers.map(() => arrived), failed]);
  for (const { destination, content } of transfers) {
    const store = stores.find(({ place }) => place === destination.store) ?? a;
    expect(contentOf(await readObject(store, destination.key)).sha256).toBe(content.sha256);
  }
  await rm(root, { recursive: true, force: true });
});
