import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { describeArriving } from './transfer-tool-contract/arriving.ts';
import { describeFailing } from './transfer-tool-contract/failing.ts';
import {
  TransferContract,
  type TransferToolContractOptions,
  type TransferToolUnderTest,
} from './transfer-tool-contract/harness.ts';
import { describeTelling } from './transfer-tool-contract/telling.ts';

export type {
  TransferStore,
  TransferToolContractOptions,
  TransferToolUnderTest,
} from './transfer-tool-contract/harness.ts';

/**
 * Every duty of the transfer tool port, as vitest suites. A tool passes when all of them hold for what it declares in `capabilities`;
 * nothing else may make a difference. The tool is opened once, between three stores that are empty.
 */
export function describeTransferToolContract(
  name: string,
  open: () => Promise<TransferToolUnderTest>,
  options: TransferToolContractOptions,
): void {
  describe(`transfer tool contract: ${name}`, { timeout: options.timeoutMs ?? 30_000 }, () => {
    let under: TransferToolUnderTest | undefined;
    const contract = new TransferContract(options, () => {
      if (under === undefined) throw new Error('the tool under test could not be opened');
      return under;
    });

    beforeAll(async () => {
      under = await open();
    }, 60_000);
    afterEach(() => under?.release());
    afterAll(async () => {
      await under?.[Symbol.asyncDispose]();
    }, 60_000);

    describeArriving(contract);
    describeFailing(contract);
    describeTelling(contract);
  });
}
