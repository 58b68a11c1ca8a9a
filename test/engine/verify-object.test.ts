import { expect, test } from 'vitest';
import { KnownObject } from '../../src/engine/sync/known-cursor.ts';
import { verifyObject } from '../../src/engine/verify/verify-object.ts';
import { VerifyTally } from '../../src/engine/verify/verify-tally.ts';
import type { ReadOutcome } from '../../src/ports/copy-pool.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';

const clock = new SimulatedClock();
const modifiedNs = 7n;

test('what is written between the listing and the read is another version, not rotten bytes of the recorded one', () => {
  const source = openMemoryStorage({ name: 'source', clock });
  const storage = openMemoryStorage({ name: 'target', clock });
  const tally = new VerifyTally({
    source,
    sourceTitle: 'source',
    targets: [{ title: 'target', storage }],
    listeners: {},
  });
  const held = { versionIds: [1], tokens: ['old'], states: ['AVAILABLE' as const] };
  const known = new KnownObject(
    {
      names: ['a'],
      versionIds: [1],
      tombstones: [false],
      sizes: [3],
      sha256s: ['former'],
      replicas: [held, held],
      next: undefined,
    },
    0,
  );
  const listed = { key: 'a', token: 'old', size: 3, modifiedNs };
  const found = verifyObject(tally, { key: 'a', source: listed, targets: [listed], known }, [
    read('new', 'newer'),
    read('new', 'newest'),
  ]);
  expect(found.findings.map(({ kind }) => kind)).toEqual(['intact', 'stale']);
});

function read(token: string, sha256: string): ReadOutcome {
  const mark = { operation: '01890000-0000-7000-8000-000000000001', sha256 };
  return { kind: 'read', head: { token, size: 3, modifiedNs, attributes: {}, mark }, sha256 };
}
