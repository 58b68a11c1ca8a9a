import { describe, expect, it } from 'vitest';
import { sha256Of } from '../storage-contract/harness.ts';
import type { TransferContract } from './harness.ts';

/** An attempt is made once, and what became of it is told as often as anybody asks. */
export function describeTelling(contract: TransferContract): void {
  describe('telling', () => {
    it('an id follows from its attempt, and the same attempt is made once', async () => {
      const prepared = await contract.prepare(800);
      const { transfer } = prepared;
      const [first, second] = await Promise.all([contract.tool.submit([transfer]), contract.tool.submit([transfer])]);
      const id = contract.tool.idOf(transfer.attempt);
      const begun = [...first, ...second].filter((one) => one.kind === 'accepted' && !one.isRepeat);
      const repeats = [...first, ...second].filter((one) => one.kind === 'accepted' && one.isRepeat);
      expect([begun.length, repeats.length]).toEqual([1, 1]);
      expect(await contract.outcomeOf(id)).toMatchObject({ kind: 'arrived', wasThere: false });
      const { token } = await contract.under.destination.storage.head(transfer.destination.key);
      expect(await contract.tool.submit([transfer])).toEqual([{ kind: 'accepted', id, isRepeat: true }]);
      expect(await contract.outcomeOf(id)).toMatchObject({ kind: 'arrived', wasThere: false });
      expect((await contract.under.destination.storage.head(transfer.destination.key)).token).toBe(token);
    });

    it('what is under way is running, and an id nobody submitted is lost', async () => {
      contract.under.hold();
      const prepared = await contract.prepare(100);
      const id = await contract.submit(prepared);
      const unknown = contract.tool.idOf('test/never-submitted');
      const statuses = await contract.tool.poll([unknown, id]);
      contract.under.release();
      expect(statuses).toMatchObject([
        { id: unknown, kind: 'final', outcome: { kind: 'lost' } },
        { id, kind: 'running' },
      ]);
      expect(await contract.tool.poll([unknown])).toMatchObject([{ kind: 'final', outcome: { kind: 'lost' } }]);
      expect(await contract.outcomeOf(id)).toMatchObject({ kind: 'arrived' });
      expect(await contract.tool.poll([])).toEqual([]);
    });

    it('who comes after a process that died finds its transfer by the attempt', async () => {
      const prepared = await contract.prepare(100);
      const id = await contract.submit(prepared);
      await contract.outcomeOf(id);
      await using later = await contract.under.reopen();
      expect(later.idOf(prepared.transfer.attempt)).toBe(id);
      const outcome = await contract.outcomeOf(id, later);
      if (later.capabilities.outlivesProcess) expect(outcome).toMatchObject({ kind: 'arrived', wasThere: false });
      else expect(outcome).toEqual({ kind: 'lost' });
      // Asked again all the same: it has the effect of one.
      await contract.submit(prepared, later);
      expect(await contract.outcomeOf(id, later)).toMatchObject({ kind: 'arrived' });
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(prepared.bytes));
    });

    it('listeners hear what polls tell, each of them, and nothing after they end', async () => {
      if (!contract.options.pushes) return;
      const [one, other] = [contract.listen(), contract.listen()];
      const failing = await contract.prepare(100);
      const [source] = failing.transfer.sources;
      if (source === undefined) throw new Error('a transfer without a source');
      const missing = {
        ...failing.transfer,
        sources: [{ ...source, key: 'no', url: contract.under.near.urlOf('no') }],
      };
      const ids = [await contract.submit(await contract.prepare(100)), await contract.submit({ transfer: missing })];
      await one.until(2);
      await other.until(2);
      const polled = await contract.outcomesOf(ids);
      for (const { heard, end } of [one, other]) {
        end();
        for (const report of heard) expect(report.outcome).toEqual(polled[ids.indexOf(report.id)]);
        expect(new Set(heard.map(({ id }) => id))).toEqual(new Set(ids));
      }
      const before = one.heard.length;
      await contract.outcomeOf(await contract.submit(await contract.prepare(1)));
      expect(one.heard.length).toBe(before);
    });

    it('a report that came by push can be polled for again, and is the same', async () => {
      const id = await contract.submit(await contract.prepare(100));
      const first = await contract.outcomeOf(id);
      expect(await contract.outcomesOf([id, id])).toEqual([first, first]);
    });

    it('what is cancelled ends, and nothing of it that was not told has arrived', async () => {
      contract.under.hold();
      const all = await Promise.all(Array.from({ length: 12 }, () => contract.prepare(5000)));
      const ids: string[] = [];
      for (const one of all) ids.push(await contract.submit(one));
      await contract.tool.cancel([...ids, contract.tool.idOf('test/never-submitted')]);
      contract.under.release();
      const outcomes = await contract.outcomesOf(ids);
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.kind === 'failed') expect(outcome.failed.at(-1)).toMatchObject({ kind: 'aborted' });
        else expect(outcome.kind).toBe('arrived');
        const isThere = (await contract.hashAtDestination(all[at] as (typeof all)[number])) !== undefined;
        expect(isThere).toBe(outcome.kind === 'arrived');
      }
      expect(outcomes.some(({ kind }) => kind === 'failed')).toBe(true);
    });

    it('cancelling what is over changes nothing', async () => {
      const prepared = await contract.prepare(100);
      const id = await contract.submit(prepared);
      const before = await contract.outcomeOf(id);
      await contract.tool.cancel([id]);
      expect(await contract.outcomeOf(id)).toEqual(before);
      expect(await contract.hashAtDestination(prepared)).toBe(sha256Of(prepared.bytes));
    });

    it('a priority can be changed while it waits, and nothing comes of changing that of what is over or unknown', async () => {
      contract.under.hold();
      const id = await contract.submit(await contract.prepare(100));
      await contract.tool.prioritise([id], 0);
      contract.under.release();
      expect(await contract.outcomeOf(id)).toMatchObject({ kind: 'arrived' });
      await contract.tool.prioritise([id, contract.tool.idOf('test/never-submitted')], 0);
    });

    it('after the time given to extend a fenced tool publishes nothing', async () => {
      if (!contract.tool.capabilities.isFenced) return;
      await using tool = await contract.under.reopen();
      tool.extend(0);
      const prepared = await contract.prepare(100);
      const id = await contract.submit(prepared, tool);
      expect(await contract.outcomeOf(id, tool)).toMatchObject({ kind: 'failed', failed: [{ kind: 'aborted' }] });
      expect(await contract.hashAtDestination(prepared)).toBeUndefined();
    });
  });
}
