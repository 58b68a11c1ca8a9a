import { MemoryContents } from '../../src/storage/memory/memory-contents.ts';
import { openMemoryStorage } from '../../src/storage/memory/memory-storage.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { describeStorageContract } from '../../src/testing/storage-contract.ts';

describeStorageContract('memory', async () => {
  const contents = new MemoryContents();
  const clock = new SimulatedClock();
  const open = () => openMemoryStorage({ name: 'contract', clock, contents });
  return {
    storage: open(),
    reopen: async () => open(),
    countLeftovers: async () => 0,
    [Symbol.asyncDispose]: async () => {},
  };
});
