import { describe, expect, it } from 'vitest';
import { type CatalogContract, contentOf } from './harness.ts';

/** Duties of the write lock: `addIntent`, `listIntents`, `removeIntent`, and of `record` that fulfils one. */
export function describeIntents(contract: CatalogContract): void {
  describe('an intent', () => {
    it('locks one key of one store', async () => {
      const scope = await contract.openScope();
      const intent = contract.intent(scope, 'a', {
        oldToken: 'old',
        follows: 7,
        content: contentOf('a', { modifiedNs: 1_712_345_678_901_234_567n, metadata: { ns: 'text' }, mode: 0o600 }),
      });
      expect(await contract.catalog.addIntent(intent)).toBe('added');
      expect(await contract.catalog.addIntent(contract.intent(scope, 'a'))).toEqual({ heldBy: intent });
      expect(await contract.catalog.addIntent(contract.intent(scope, 'b'))).toBe('added');
    });

    it('is none at a place that is not the source of its scope any more', async () => {
      const scope = await contract.openScope();
      const elsewhere = { elsewhere: scope.source };
      expect(await contract.catalog.addIntent(contract.intent(scope, 'a', { store: scope.near }))).toEqual(elsewhere);
      const unsourced = contract.intent({ ...scope, name: 'nobody-s' }, 'a', { store: scope.near });
      expect(await contract.catalog.addIntent(unsourced)).toBe('added');
      await contract.catalog.removeIntent(unsourced.operation);
    });

    it('is listed as it was given, until it is removed', async () => {
      const scope = await contract.openScope();
      const put = contract.intent(scope, 'a', { content: contentOf('a', { sha256: undefined, modifiedNs: 0n }) });
      const remove = contract.intent(scope, 'b', { content: { kind: 'tombstone' }, createdMs: 1_700_000_000_001 });
      await contract.catalog.addIntent(put);
      await contract.catalog.addIntent(remove);
      const mine = async () => (await contract.catalog.listIntents()).filter((one) => one.scope === scope.name);
      expect(await mine()).toEqual([put, remove]);
      await contract.catalog.removeIntent(put.operation);
      await contract.catalog.removeIntent(put.operation);
      expect(await mine()).toEqual([remove]);
      expect(await contract.catalog.addIntent(contract.intent(scope, 'a'))).toBe('added');
    });

    it('of the same operation again is added: it is its own', async () => {
      const scope = await contract.openScope();
      const intent = contract.intent(scope, 'a');
      await contract.catalog.addIntent(intent);
      expect(await contract.catalog.addIntent(intent)).toBe('added');
      expect((await contract.catalog.listIntents()).filter((one) => one.scope === scope.name)).toHaveLength(1);
    });

    it('ends in the transaction that records its write', async () => {
      const scope = await contract.openScope();
      const intent = contract.intent(scope, 'a');
      await contract.catalog.addIntent(intent);
      const operation = { id: intent.operation, fingerprint: 'f', outcome: '{"n":1}', createdMs: 5 };
      const put = contract.put(scope, 'a', { operation: intent.operation });
      await contract.catalog.record({ changes: [put], fulfils: intent.operation, operation });
      expect((await contract.catalog.listIntents()).filter((one) => one.scope === scope.name)).toEqual([]);
      expect(await contract.catalog.readOperation(intent.operation)).toEqual(operation);
    });

    it('stays when the write meets a conflict, and no outcome is kept', async () => {
      const scope = await contract.openScope();
      await contract.recordOne(contract.put(scope, 'a', { content: contentOf('somebody else') }));
      const intent = contract.intent(scope, 'a');
      await contract.catalog.addIntent(intent);
      const operation = { id: intent.operation, fingerprint: 'f', outcome: '{}', createdMs: 5 };
      const put = contract.put(scope, 'a', { operation: intent.operation });
      const { changes } = await contract.catalog.record({ changes: [put], fulfils: intent.operation, operation });
      expect(changes[0]?.kind).toBe('conflict');
      expect((await contract.catalog.listIntents()).filter((one) => one.scope === scope.name)).toEqual([intent]);
      expect(await contract.catalog.readOperation(intent.operation)).toBeUndefined();
    });
  });
}
