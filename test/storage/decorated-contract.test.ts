import { MemoryContents } from '../../src/storage/memory/memory-contents.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { withDeadline } from '../../src/storage/with-deadline.ts';
import { withLimit } from '../../src/storage/with-limit.ts';
import { withRetry } from '../../src/storage/with-retry.ts';
import { systemClock } from '../../src/system/system-clock.ts';
import { FaultyStorage } from '../../src/testing/faulty-storage.ts';
import { describeStorageContract } from '../../src/testing/storage-contract.ts';
import { evenRandom } from './decorators.ts';

/** Decorators change when things happen, not what: the contract holds through all of them. */
describeStorageContract('memory, decorated', async () => {
  const contents = new MemoryContents();
  const clock = systemClock;
  const open = () => {
    const memory = new FaultyStorage(openMemoryStorage({ name: 'contract', clock, contents }));
    const timed = withDeadline(memory, { clock, callMs: 10_000 });
    const limited = withLimit(timed, { clock, concurrency: 8, bandwidth: 1e12 });
    return withRetry(limited, { policy: { attemptsMax: 3, delayMs: 1 }, clock, random: evenRandom });
  };
  return {
    storage: open(),
    reopen: async () => open(),
    countLeftovers: async () => 0,
    [Symbol.asyncDispose]: async () => {},
  };
});
