import { describe, expect, it } from 'vitest';
import { patternBytes, putObject, sha256Of } from '../storage-contract/harness.ts';
import { contentOf, sourceAt, type TransferContract } from './harness.ts';

/** What fails says at which end and why, and leaves the destination as it was. */
export function describeFailing(contract: TransferContract): void {
  describe('failing', () => {
    it('a source without the object has failed at the source', async () => {
      const { transfer } = await contract.prepare(10);
      const prepared = { transfer: { ...transfer, sources: [sourceAt(contract.under.near, 'no-such-object')] } };
      const outcome = await contract.outcomeOf(await contract.submit(prepared));
      const source = contract.under.near.storage.place;
      expect(outcome).toMatchObject({ kind: 'failed', failed: [{ source, at: 'source', kind: 'not-found' }] });
      expect(await contract.hashAtDestination(prepared)).toBeUndefined();
    });

    it.each([
      ['other bytes of the right size', (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0xff)],
      ['bytes of another size', (bytes: Uint8Array) => bytes.subarray(1)],
    ])('%s at the source are not brought to the destination', async (_, change) => {
      const { bytes, transfer } = await contract.prepare(2000);
      const prepared = { transfer: { ...transfer, content: contentOf(change(bytes)) } };
      const outcome = await contract.outcomeOf(await contract.submit(prepared));
      expect(outcome).toMatchObject({ kind: 'failed', failed: [{ at: 'source', kind: 'corrupt' }] });
      expect(await contract.hashAtDestination(prepared)).toBeUndefined();
    });

    it('other bytes at an occupied destination stay', async () => {
      const prepared = await contract.prepare(300);
      const others = patternBytes(300, 77);
      await putObject(contract.under.destination.storage, prepared.transfer.destination.key, others);
      const outcome = await contract.outcomeOf(await contract.submit(prepared));
      expect(outcome).toMatchObject({ kind: 'failed', failed: [{ at: 'destination', kind: 'precondition-failed' }] });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(others));
    });

    it('a token that is not the one seen is respected, by a tool that says so', async () => {
      if (!contract.tool.capabilities.comparesTokens) return;
      const { near, destination } = contract.under;
      const { bytes, transfer } = await contract.prepare(40);
      const [source] = transfer.sources;
      const moved = { transfer: { ...transfer, sources: [sourceAt(near, source?.key ?? '', 'another')] } };
      expect(await contract.outcomeOf(await contract.submit(moved))).toMatchObject({
        kind: 'failed',
        failed: [{ at: 'source', kind: 'precondition-failed' }],
      });
      const others = patternBytes(40, 78);
      await putObject(destination.storage, transfer.destination.key, others);
      const replaced = { bytes, transfer: { ...transfer, attempt: `${transfer.attempt}/2`, onto: 'another' } };
      expect(await contract.outcomeOf(await contract.submit(replaced))).toMatchObject({
        kind: 'failed',
        failed: [{ at: 'destination', kind: 'precondition-failed' }],
      });
      expect(await contract.hashAtDestination(replaced)).toBe(sha256Of(others));
    });

    it('a transfer between stores it does not know is refused, and said so before', async () => {
      const { transfer } = await contract.prepare(10);
      const nowhere = { store: 'nowhere:///', key: 'a', url: 'nowhere://a/b' };
      expect(contract.tool.canTransfer(nowhere, transfer.destination)).toBe(false);
      const [source] = transfer.sources;
      expect(source !== undefined && contract.tool.canTransfer(source, transfer.destination)).toBe(true);
      const [submission] = await contract.tool.submit([{ ...transfer, destination: nowhere }]);
      expect(submission).toMatchObject({ kind: 'refused', reason: 'unsupported' });
    });

    it('a second transfer to the same destination is refused while the first is under way', async () => {
      contract.under.hold();
      const first = await contract.prepare(100);
      const second = await contract.prepare(100, { destination: first.transfer.destination });
      const id = await contract.submit(first);
      const [submission] = await contract.tool.submit([second.transfer]);
      contract.under.release();
      expect(submission).toMatchObject({ kind: 'refused', reason: 'duplicate' });
      expect(await contract.outcomeOf(id)).toMatchObject({ kind: 'arrived' });
      expect(await contract.hashAtDestination(first)).toBe(sha256Of(first.bytes));
    });

    it('the right bytes are not taken from a source of another name when one is damaged: the good one is found', async () => {
      const { far, near } = contract.under;
      const { bytes, transfer } = await contract.prepare(600);
      const bad = await putObject(
        near.storage,
        'damaged-source',
        bytes.map((byte) => byte ^ 1),
      );
      const good = await putObject(far.storage, 'whole-source', bytes);
      const sources = [sourceAt(near, 'damaged-source', bad.token), sourceAt(far, 'whole-source', good.token)];
      const prepared = { transfer: { ...transfer, sources } };
      expect(await contract.outcomeOf(await contract.submit(prepared))).toMatchObject({
        kind: 'arrived',
        source: far.storage.place,
        failed: [{ source: near.storage.place, at: 'source', kind: 'corrupt' }],
      });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(bytes));
    });
  });
}
