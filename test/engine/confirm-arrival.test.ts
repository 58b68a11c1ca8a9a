import { expect, test } from 'vitest';
import { StoreHealth } from '../../src/engine/store-health.ts';
import type { StoreAccess } from '../../src/engine/stores/store-access.ts';
import { confirmArrival } from '../../src/engine/transfers/confirm-arrival.ts';
import { FOUND } from '../../src/engine/transfers/confirm-held.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { put } from './world.ts';

test.each([
  [3, 'what was cut off on the way'],
  [5, 'more than was to come'],
])('a tool that compared checksums has not brought %i bytes of 4: %s', async (bytes) => {
  await using storage = openMemoryStorage({ name: 'far', clock: systemClock });
  await put(storage, 'a', 'x'.repeat(bytes));
  const destination = {
    place: 'memory://far/',
    protocols: [{ place: 'memory://far/', open: async () => storage }],
    deadlineMs: 1_000,
  } as unknown as StoreAccess;
  const arrived = { ...FOUND, verification: 'store' } as const;
  const content = { kind: 'object', size: 4, sha256: undefined } as const;
  const arrival = { destination, by: 'https://far/', key: 'a', content, signal: new AbortController().signal };
  const ports = { clock: systemClock, health: new StoreHealth(systemClock) };
  await expect(confirmArrival(ports, arrived, arrival)).rejects.toMatchObject({
    kind: 'corrupt',
    message: `far: a: it has ${bytes} bytes, and 4 were to arrive`,
  });
});
