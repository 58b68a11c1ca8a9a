import { describe, expect, it } from 'vitest';
import { patternBytes, putObject, sha256Of } from '../storage-contract/harness.ts';
import { contentOf, endAt, sourceAt, type TransferContract } from './harness.ts';

/** What is wanted arrives, and is told to have arrived only when it has. */
export function describeArriving(contract: TransferContract): void {
  describe('arriving', () => {
    const sizes = [0, 1, 70_000, contract.options.largeBytes ?? 3 * 1024 * 1024];
    it.each(sizes)('an object of %i bytes arrives, with its size and a checksum', async (size) => {
      const prepared = await contract.prepare(size);
      const outcome = await contract.outcomeOf(await contract.submit(prepared));
      const { content, sources } = prepared.transfer;
      const source = sources[0]?.store;
      expect(outcome).toMatchObject({ kind: 'arrived', source, wasThere: false, size, isLate: false, failed: [] });
      if (outcome.kind !== 'arrived') return;
      const known: Readonly<Record<string, string | undefined>> = { ...content.checksums, sha256: content.sha256 };
      const told = Object.entries(outcome.checksums);
      if (outcome.verification !== 'none') expect(told).not.toEqual([]);
      for (const [algorithm, value] of told) expect(value).toBe(known[algorithm]);
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(prepared.bytes));
    });

    it('many small ones of one batch arrive, answered in their order', async () => {
      const all = await Promise.all(Array.from({ length: 60 }, (_, at) => contract.prepare(at * 7)));
      const { tool } = contract;
      const ids = all.map(({ transfer }) => tool.idOf(transfer.attempt));
      expect(new Set(ids).size).toBe(ids.length);
      const submissions = await tool.submit(all.map(({ transfer }) => transfer));
      expect(submissions).toEqual(ids.map((id) => ({ kind: 'accepted', id, isRepeat: false })));
      const outcomes = await contract.outcomesOf(ids);
      expect(outcomes.map((one) => (one.kind === 'arrived' ? one.size : one))).toEqual(
        all.map(({ bytes }) => bytes.length),
      );
      for (const one of all) expect(await contract.hashAtDestination(one)).toBe(sha256Of(one.bytes));
    });

    it('keys that need escaping in a URL arrive where they should', async () => {
      const { near, destination } = contract.under;
      const bytes = patternBytes(11);
      const key = "esc/a b%20c?d#e+f&g=ü'(日本).bin";
      const { token } = await putObject(near.storage, key, bytes);
      const prepared = await contract.prepare(0, {
        sources: [sourceAt(near, key, token)],
        destination: endAt(destination, key),
        content: contentOf(bytes),
      });
      expect(await contract.outcomeOf(await contract.submit(prepared))).toMatchObject({ kind: 'arrived' });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(bytes));
    });

    it('the next source is asked when the first does not have the bytes, and both are told', async () => {
      const { far, near } = contract.under;
      const { bytes, transfer } = await contract.prepare(500);
      const { token } = await putObject(far.storage, 'second-source', bytes);
      const sources = [sourceAt(near, 'no-such-object'), sourceAt(far, 'second-source', token)];
      const prepared = { bytes, transfer: { ...transfer, sources } };
      expect(await contract.outcomeOf(await contract.submit(prepared))).toMatchObject({
        kind: 'arrived',
        source: far.storage.place,
        failed: [{ source: near.storage.place, at: 'source', kind: 'not-found' }],
      });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(bytes));
    });

    it('the wanted bytes at an occupied destination have arrived', async () => {
      const prepared = await contract.prepare(900);
      const { storage } = contract.under.destination;
      const { token } = await putObject(storage, prepared.transfer.destination.key, prepared.bytes);
      expect(await contract.outcomeOf(await contract.submit(prepared))).toMatchObject({
        kind: 'arrived',
        wasThere: true,
        size: 900,
      });
      expect((await storage.head(prepared.transfer.destination.key)).token).toBe(token);
    });

    it('what may be replaced is', async () => {
      const { bytes, transfer } = await contract.prepare(900);
      const { token } = await putObject(
        contract.under.destination.storage,
        transfer.destination.key,
        patternBytes(900, 99),
      );
      const prepared = { bytes, transfer: { ...transfer, onto: token } };
      expect(await contract.outcomeOf(await contract.submit(prepared))).toMatchObject({ kind: 'arrived' });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(bytes));
    });
  });
}
