import { afterAll, beforeAll, describe } from 'vitest';
import { describeAtOnce } from './storage-contract/at-once.ts';
import { describeTogether } from './storage-contract/together.ts';
import { describeBodies } from './storage-contract/bodies.ts';
import { describeFailing } from './storage-contract/failing.ts';
import type { Contract, StorageContractOptions, StorageUnderTest } from './storage-contract/harness.ts';
import { describeKeys } from './storage-contract/keys.ts';
import { describeLeftovers } from './storage-contract/leftovers.ts';
import { describeListing } from './storage-contract/listing.ts';
import { describeReading } from './storage-contract/reading.ts';
import { describeWriting } from './storage-contract/writing.ts';

export type { StorageContractOptions, StorageGap, StorageUnderTest } from './storage-contract/harness.ts';

/** Where an adapter has no parts, objects around this size are written. */
const PART_BYTES = 1024 * 1024;

/**
 * Every duty of the storage port, as vitest suites. An adapter passes when all of them hold for what it declares in
 * `capabilities` and in `gaps`; nothing else may make a difference. The store is opened once and must be empty.
 */
export function describeStorageContract(
  name: string,
  open: () => Promise<StorageUnderTest>,
  options: StorageContractOptions = {},
): void {
  describe(`storage contract: ${name}`, { timeout: options.timeoutMs ?? 30_000 }, () => {
    let store: StorageUnderTest | undefined;
    let prefixes = 0;
    const opened = (): StorageUnderTest => {
      if (store === undefined) throw new Error('the store under test could not be opened');
      return store;
    };
    const contract: Contract = {
      options,
      partBytes: options.partBytes ?? PART_BYTES,
      store: opened,
      storage: () => opened().storage,
      prefix: () => `test-${++prefixes}/`,
      has: (gap) => options.gaps?.includes(gap) ?? false,
    };

    beforeAll(async () => {
      store = await open();
    }, 60_000);
    afterAll(async () => {
      await store?.[Symbol.asyncDispose]();
    }, 60_000);

    describeReading(contract);
    describeWriting(contract);
    describeBodies(contract);
    describeAtOnce(contract);
    describeTogether(contract);
    describeListing(contract);
    describeKeys(contract);
    describeLeftovers(contract);
    describeFailing(contract);
  });
}
