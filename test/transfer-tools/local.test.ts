import { describe, expect, test } from 'vitest';
import type { CopyPage } from '../../src/ports/copy-pool.ts';
import type { Mark, Storage } from '../../src/ports/storage.ts';
import type { Transfer, TransferOutcome, TransferReport } from '../../src/ports/transfer-tool.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { FaultyStorage } from '../../src/testing/faulty-storage.ts';
import { patternBytes, putObject, readObject } from '../../src/testing/storage-contract/harness.ts';
import { contentOf } from '../../src/testing/transfer-tool-contract/harness.ts';
import type { LocalTool } from '../../src/transfer-tools/local/local-tool.ts';
import { Gate } from './gate.ts';
import { openLocal, type OpenLocal } from './open-local.ts';

/** Four stores, of which three can break, and the tool between them. */
class LocalWorld implements AsyncDisposable {
  readonly a = new FaultyStorage(openMemoryStorage({ name: 'a', clock: systemClock }));
  readonly b = new FaultyStorage(openMemoryStorage({ name: 'b', clock: systemClock }));
  readonly to = new FaultyStorage(openMemoryStorage({ name: 'to', clock: systemClock }));
  readonly other = openMemoryStorage({ name: 'other', clock: systemClock });
  readonly gate = new Gate();
  readonly pages: CopyPage[] = [];
  readonly reports: TransferReport[] = [];
  readonly tool: LocalTool;
  #count = 0;

  constructor(options: OpenLocal = {}) {
    const stores = [this.a, this.b, this.to, this.other].map((one) => this.gate.before(one));
    this.tool = openLocal(stores, { ...options, onPage: (page) => void this.pages.push(page) });
    this.tool.onReport((report) => void this.reports.push(report));
  }

  async prepare(size: number, change: Partial<Transfer> = {}): Promise<Transfer> {
    const number = ++this.#count;
    const bytes = patternBytes(size, number);
    const key = `from/${number}`;
    for (const store of [this.a, this.b]) await putObject(store.inner, key, bytes);
    return {
      attempt: `site/${number}/1`,
      sources: [this.a, this.b].map(({ place: store }) => ({ store, key, url: undefined, token: undefined })),
      destination: { store: this.to.place, key: `to/${number}`, url: undefined },
      onto: undefined,
      content: contentOf(bytes),
      priority: 3,
      ...change,
    };
  }

  async run(...transfers: readonly Transfer[]): Promise<readonly TransferOutcome[]> {
    for (const one of await this.tool.submit(transfers)) expect(one.kind).toBe('accepted');
    this.gate.open();
    const ids = transfers.map(({ attempt }) => attempt);
    while (!ids.every((id) => this.reports.some((report) => report.id === id))) await systemClock.sleep(2);
    return ids.map((id) => this.reports.find((report) => report.id === id)?.outcome as TransferOutcome);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.gate.open();
    await this.tool[Symbol.asyncDispose]();
  }
}

const arrived = { kind: 'arrived' };

describe('bytes that come out wrong at the destination', () => {
  test('do not stay there', async () => {
    await using world = new LocalWorld({ readBack: true });
    const transfer = await world.prepare(100);
    world.to.faults = { corruptStagedAt: 7 };
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({ kind: 'failed', failed: [{ at: 'destination', kind: 'corrupt' }] });
    await expect(world.to.inner.head(transfer.destination.key)).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('and were left by an attempt that died are replaced by the next, which knows them by their mark', async () => {
    await using world = new LocalWorld({ readBack: true });
    const transfer = await world.prepare(100);
    const { operation } = transfer.content;
    const staged = await world.to.inner.stage(transfer.destination.key, Buffer.alloc(100), {
      attributes: {},
      mark: { operation, sha256: undefined },
    });
    await world.to.inner.publish([{ staged, options: {} }]);
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject(arrived);
    const bytes = await readObject(world.to.inner, transfer.destination.key);
    expect(contentOf(bytes).sha256).toBe(transfer.content.sha256);
  });

  test('are left alone where they are of something else', async () => {
    await using world = new LocalWorld({ readBack: true });
    const transfer = await world.prepare(100);
    await putObject(world.to.inner, transfer.destination.key, Buffer.from('somebody else’s'));
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({ kind: 'failed', failed: [{ at: 'destination', kind: 'precondition-failed' }] });
    expect(String(await readObject(world.to.inner, transfer.destination.key))).toBe('somebody else’s');
  });
});

describe('bytes of which nobody knows the hash yet, that lie at the destination before', () => {
  const prepareUnknown = async (world: LocalWorld) => {
    const known = await world.prepare(100);
    const transfer: Transfer = { ...known, content: { ...known.content, sha256: undefined } };
    const bytes = await readObject(world.a.inner, transfer.sources[0]?.key ?? '');
    return { transfer, bytes, sha256: known.content.sha256 };
  };
  const leave = async ({ to }: LocalWorld, { destination }: Transfer, bytes: Uint8Array, mark: Mark) => {
    const staged = await to.inner.stage(destination.key, bytes, { attributes: {}, mark });
    await to.inner.publish([{ staged, options: {} }]);
  };

  test('have arrived where their mark is that of the version, and they are as it says', async () => {
    await using world = new LocalWorld();
    const { transfer, bytes, sha256 } = await prepareUnknown(world);
    await leave(world, transfer, bytes, { operation: transfer.content.operation, sha256 });
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({
      kind: 'arrived',
      wasThere: true,
      checksums: { sha256 },
      verification: 'read-back',
    });
  });

  test('are replaced where they are not as the mark says', async () => {
    await using world = new LocalWorld();
    const { transfer, bytes } = await prepareUnknown(world);
    await leave(world, transfer, Buffer.alloc(100), { operation: transfer.content.operation, sha256: undefined });
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({ kind: 'arrived', wasThere: false });
    expect(await readObject(world.to.inner, transfer.destination.key)).toEqual(bytes);
  });

  test('have arrived without a mark where they are those of a source', async () => {
    await using world = new LocalWorld();
    const { transfer, bytes, sha256 } = await prepareUnknown(world);
    await putObject(world.to.inner, transfer.destination.key, bytes);
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({ kind: 'arrived', wasThere: true, checksums: { sha256 } });
  });

  test('stay, and have not arrived, where they are others than those of the source', async () => {
    await using world = new LocalWorld();
    const { transfer } = await prepareUnknown(world);
    await putObject(world.to.inner, transfer.destination.key, Buffer.alloc(100));
    const [outcome] = await world.run(transfer);
    expect(outcome).toMatchObject({ kind: 'failed', failed: [{ at: 'destination', kind: 'precondition-failed' }] });
    expect([...(await readObject(world.to.inner, transfer.destination.key))]).toEqual([...Buffer.alloc(100)]);
  });
});

describe('pages of the local tool', () => {
  test('many small ones to one store share pages, and so flushes', async () => {
    await using world = new LocalWorld({ slots: 2 });
    const all = await Promise.all(Array.from({ length: 100 }, () => world.prepare(100)));
    for (const outcome of await world.run(...all)) expect(outcome).toMatchObject(arrived);
    expect(world.pages.length).toBeLessThanOrEqual(4);
    expect(world.to.calls.publish).toBe(100);
  });

  test('a page is for one store, and a large object is alone in its own', async () => {
    await using world = new LocalWorld({ slots: 1 });
    const large = await world.prepare(9 * 1024 * 1024);
    const elsewhere = { store: world.other.place, key: 'x', url: undefined };
    const small = await Promise.all([1, 2, 3].map((size) => world.prepare(size)));
    const away = await world.prepare(4, { destination: elsewhere });
    await world.run(...small, away, large);
    expect(world.pages.map(({ items }) => items.map(({ size }) => size))).toEqual([[1, 2, 3], [4], [9 * 1024 * 1024]]);
  });

  test('no more than its slots are under way, and the most urgent of what waits is next', async () => {
    await using world = new LocalWorld({ slots: 1 });
    world.gate.shut();
    const first = await world.prepare(1, { priority: 9 });
    const all = await Promise.all([5, 2, 7, 0].map((priority) => world.prepare(10 + priority, { priority })));
    await world.tool.submit([first]);
    await world.tool.submit(all);
    await world.tool.prioritise([all[2]?.attempt ?? ''], 1);
    expect(world.pages.length).toBe(1);
    await world.run(first, ...all);
    expect(world.pages.flatMap(({ items }) => items.map(({ size }) => size))).toEqual([1, 10, 17, 12, 15]);
  });

  test('more than it has room for is refused, and begins nothing', async () => {
    await using world = new LocalWorld();
    world.gate.shut();
    const one = await world.prepare(1);
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      ...one,
      attempt: `many/${at}`,
      destination: { ...one.destination, key: `many/${at}` },
    }));
    for (const submission of await world.tool.submit(many)) expect(submission.kind).toBe('accepted');
    expect(await world.tool.submit([one])).toMatchObject([{ kind: 'refused', reason: 'unavailable' }]);
    await world.tool.cancel(many.map(({ attempt }) => attempt));
  });

  test('what is cancelled half-way is given up, as soon as nothing of its page is wanted, and nothing of it stays', async () => {
    await using world = new LocalWorld();
    const all = [];
    for (let at = 0; at < 4; at++) all.push(await world.prepare(20_000));
    const ids = all.map(({ attempt }) => attempt);
    const statesOf = async () => (await world.tool.poll(ids)).map(({ kind }) => kind);
    world.a.faults.hangBodyAt = 5_000;
    await world.tool.submit(all);
    world.gate.open();
    while (world.a.calls.get < ids.length) await systemClock.sleep(5);
    expect(world.pages.map(({ items }) => items.length)).toEqual([2, 2]);
    await world.tool.cancel(ids.slice(0, 1));
    await systemClock.sleep(20);
    expect(await statesOf()).toEqual(['running', 'running', 'running', 'running']);
    await world.tool.cancel(ids.slice(0, 2));
    while (world.reports.length < 2) await systemClock.sleep(5);
    expect(await statesOf()).toEqual(['final', 'final', 'running', 'running']);
    await world.tool.cancel(ids);
    for (const outcome of await world.run(...all))
      expect(outcome).toMatchObject({ kind: 'failed', failed: [{ kind: 'aborted', why: 'it was cancelled' }] });
    for (const { destination } of all)
      await expect(world.to.inner.head(destination.key)).rejects.toMatchObject({ kind: 'not-found' });
  });

  test('a large object tells how far it is', async () => {
    await using world = new LocalWorld();
    const transfer = await world.prepare(9 * 1024 * 1024);
    const seen: number[] = [];
    const chunked: Storage = new Proxy(world.a.inner, {
      get: (target, name) => {
        if (name !== 'get') return Reflect.get(target, name) as unknown;
        return async (key: string) => {
          const { head, body } = await target.get(key);
          return { head, body: trickle(body as Uint8Array, 20) };
        };
      },
    });
    await using tool = openLocal([chunked, world.to.inner]);
    const to = { ...transfer.destination, store: world.to.place };
    await tool.submit([{ ...transfer, sources: transfer.sources.slice(0, 1), destination: to }]);
    for (;;) {
      const [status] = await tool.poll([transfer.attempt]);
      if (status?.kind !== 'running') break;
      if (status.bytes !== undefined) seen.push(status.bytes);
      await systemClock.sleep(50);
    }
    expect(seen.length).toBeGreaterThan(0);
    expect(seen).toEqual(seen.toSorted((x, y) => x - y));
    expect(seen.at(-1)).toBeLessThanOrEqual(transfer.content.size);
  });
});

describe('sources of the local tool', () => {
  test('one that breaks off half-way is followed by the next, and named', async () => {
    await using world = new LocalWorld();
    world.a.faults.breakBodyAt = 5000;
    const transfer = await world.prepare(20_000);
    expect(await world.run(transfer)).toMatchObject([
      { ...arrived, source: world.b.place, failed: [{ source: world.a.place, at: 'source', kind: 'unavailable' }] },
    ]);
    expect(contentOf(await readObject(world.to.inner, transfer.destination.key)).sha256).toBe(transfer.content.sha256);
  });

  test('bytes that are wrong twice alike are the source’s, once only the way’s', async () => {
    await using world = new LocalWorld();
    const transfer = await world.prepare(20_000);
    world.a.faults.corruptBodyAt = 7;
    world.b.faults.corruptBodyAt = 9;
    const outcome = await world.run(transfer);
    expect(outcome).toMatchObject([
      {
        kind: 'failed',
        failed: [
          { source: world.a.place, at: 'source', kind: 'corrupt' },
          { source: world.b.place, at: 'source', kind: 'corrupt' },
        ],
      },
    ]);
    await expect(world.to.inner.head(transfer.destination.key)).rejects.toMatchObject({ kind: 'not-found' });
    const again = { ...transfer, attempt: 'again' };
    world.b.faults = {};
    let reads = 0;
    world.a.faults = {
      get corruptBodyAt() {
        return ++reads > 1 ? undefined : 7;
      },
    } as FaultyStorage['faults'];
    expect(await world.run(again)).toMatchObject([{ ...arrived, source: world.a.place, failed: [] }]);
  });

  test('a destination that is full is nobody else’s fault: no other source is asked', async () => {
    await using world = new LocalWorld();
    world.to.faults.fail = { kind: 'full', verbs: ['stage'] };
    expect(await world.run(await world.prepare(100))).toMatchObject([
      { kind: 'failed', failed: [{ at: 'destination', kind: 'full' }] },
    ]);
    expect(world.b.calls.get).toBe(0);
  });

  test('bytes that were never read in full are, and their hash is told', async () => {
    await using world = new LocalWorld();
    const transfer = await world.prepare(3000);
    const { sha256 } = transfer.content;
    const unknown = { ...transfer, content: { ...transfer.content, sha256: undefined, checksums: {} } };
    expect(await world.run(unknown)).toMatchObject([{ ...arrived, checksums: { sha256 } }]);
  });

  test('bytes of another size than wanted are not copied, also where no hash is known to tell', async () => {
    await using world = new LocalWorld();
    const transfer = await world.prepare(3000);
    const other = { ...transfer, content: { ...transfer.content, size: 2999, sha256: undefined } };
    expect(await world.run(other)).toMatchObject([
      {
        kind: 'failed',
        failed: [world.a, world.b].map(({ place }) => ({ source: place, at: 'source', kind: 'corrupt' })),
      },
    ]);
  });

  test('a copy is marked as the version it is', async () => {
    await using world = new LocalWorld();
    for (const size of [3000, 9 * 1024 * 1024]) {
      const transfer = await world.prepare(size);
      await world.run(transfer);
      const { mark } = await world.to.inner.head(transfer.destination.key);
      expect(mark).toEqual({ operation: transfer.content.operation, sha256: transfer.content.sha256 });
    }
  });
});

test('a tool that is closed answers for nothing new, and leaves nothing half-way', async () => {
  const world = new LocalWorld({ slots: 1 });
  world.gate.shut();
  const all = await Promise.all([1, 2, 3].map((size) => world.prepare(size)));
  for (const transfer of all) await world.tool.submit([transfer]);
  const closing = world[Symbol.asyncDispose]();
  const [one] = all;
  if (one === undefined) throw new Error('nothing prepared');
  expect(await world.tool.submit([{ ...one, attempt: 'late' }])).toMatchObject([
    { kind: 'refused', reason: 'unavailable' },
  ]);
  await closing;
  expect(world.pages.length).toBe(1);
  expect(world.reports).toEqual([]);
});

async function* trickle(bytes: Uint8Array, chunks: number): AsyncGenerator<Uint8Array> {
  const step = Math.ceil(bytes.length / chunks);
  for (let at = 0; at < bytes.length; at += step) {
    await systemClock.sleep(50);
    yield bytes.subarray(at, at + step);
  }
}
