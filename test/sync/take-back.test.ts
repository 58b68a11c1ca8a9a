import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, settingsOf } from '../storage/s3-stores.ts';
import { alter, listed } from './altered.ts';
import { openSyncWorld, type SyncWorld } from './sync-world.ts';
import { writeAll } from './trees.ts';

const { rgw } = await useRgw();

const stores: Record<string, () => Promise<Storage>> = {
  'Ceph RGW': async () => openStore(settingsOf(rgw, await makeBucket(rgw)), { probe: true }),
  memory: async () => openMemoryStorage({ name: 'target', clock: systemClock }),
};

/** Another process takes the target over, as if the one that held it had slept past its lease. */
async function takeOver(world: SyncWorld, target: string): Promise<void> {
  const catalog = await world.catalog();
  const [sync] = await catalog.listSyncs(1);
  const [source] = await world.places();
  const taken = await catalog.beginSync({
    id: `after ${sync?.id}`,
    scope: 'data',
    prefix: '',
    source: source as string,
    targets: [target],
    holder: { host: 'elsewhere', pid: 1, startedMs: 0 },
    leaseMs: 60_000,
    deadHolders: sync === undefined ? [] : [sync.holder],
  });
  expect(taken.kind).toBe('begun');
}

/** The copy of the run that took over. */
async function putMarked(storage: Storage, key: string, bytes: Buffer, operation: string): Promise<void> {
  const mark = { operation, sha256: undefined };
  const staged = await storage.stage(key, bytes, { attributes: {}, mark, size: bytes.length });
  const [published] = await storage.publish([{ staged, options: {} }]);
  if (published === undefined || published instanceof Error) throw published ?? new Error('no answer');
}

/** What is published in time stays, so these runs sleep past their lease before they hear that it was. */
const LEASE_MS = 3_000;
const PAST_LEASE_MS = 3_500;

const OTHER = '01920000-0000-7000-8000-00000000000f';

test.each(Object.keys(stores))(
  'what a run published after its lease was lost goes, and the same bytes of the run that took over stay: %s',
  async (name) => {
    await using world = openSyncWorld();
    await using storage = await (stores[name] as () => Promise<Storage>)();
    writeAll(world.source, { mine: 'the same bytes', theirs: 'the same bytes' });
    let taken: Promise<void> | undefined;
    const wrapTarget = () =>
      alter(storage, (inner) => ({
        publish: async (requests) => {
          const published = await inner.publish(requests);
          taken ??= takeOver(world, storage.place).then(() => sleep(PAST_LEASE_MS));
          await taken;
          return published;
        },
        head: async (key, options) => {
          // The run that took over publishes before this one looks.
          if (key === 'theirs') await putMarked(inner, key, Buffer.from('the same bytes'), OTHER);
          return inner.head(key, options);
        },
      }));
    const result = await world.sync({ wrapTarget, leaseMs: LEASE_MS });
    expect(result.state).toBe('interrupted');
    expect((await listed(storage)).map(({ key }) => key)).toEqual(['theirs']);
    expect((await storage.head('theirs')).mark?.operation).toBe(OTHER);
  },
);

test('a copy of the version that is current stays, whoever made it; of one that is not any more it goes', async () => {
  await using world = openSyncWorld();
  await using storage = await (stores['Ceph RGW'] as () => Promise<Storage>)();
  writeAll(world.source, { kept: 'one', deleted: 'two' });
  await world.sync({ wrapTarget: () => storage });
  for (const key of ['kept', 'deleted']) await storage.delete(key);
  const catalog = await world.catalog();
  const row = await catalog.readObject('data', 'deleted');
  let taken: Promise<void> | undefined;
  const wrapTarget = () =>
    alter(storage, (inner) => ({
      publish: async (requests) => {
        const published = await inner.publish(requests);
        taken ??= (async () => {
          await takeOver(world, storage.place);
          const tombstone = {
            scope: 'data',
            name: 'deleted',
            follows: row?.current.id,
            operation: OTHER,
            replicas: [],
          };
          await catalog.record({ changes: [{ ...tombstone, content: { kind: 'tombstone' } }] });
          await sleep(PAST_LEASE_MS);
        })();
        await taken;
        return published;
      },
    }));
  expect((await world.sync({ wrapTarget, leaseMs: LEASE_MS })).state).toBe('interrupted');
  expect((await listed(storage)).map(({ key }) => key)).toEqual(['kept']);
});
