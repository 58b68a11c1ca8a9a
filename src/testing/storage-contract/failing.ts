import { describe, expect, it } from 'vitest';
import type { Storage, StorageErrorKind } from '../../ports/storage.ts';
import { type Contract, expectKind, listAll, markOf, patternBytes, putObject } from './harness.ts';

/** Missing, unavailable and denied are three things (I9). */
export function describeFailing(contract: Contract): void {
  const cases: readonly [string, (() => Promise<Storage>) | undefined, StorageErrorKind][] = [
    ['a store that cannot be reached is unavailable', contract.options.openUnreachable, 'unavailable'],
    ['a store that refuses is denied', contract.options.openDenied, 'denied'],
  ];
  const { openWithoutRoot } = contract.options;
  if (openWithoutRoot === undefined && cases.every(([, open]) => open === undefined)) return;
  describe('failing', () => {
    for (const [name, open, kind] of cases) {
      if (open === undefined) continue;
      it(`${name}, on every method, and never missing`, async () => {
        await using storage = await open();
        await expectKind(storage.get('a'), kind);
        await expectKind(storage.head('a'), kind);
        await expectKind(storage.delete('a'), kind);
        await expectKind(listAll(storage, ''), kind);
        await expectKind(putObject(storage, 'a', patternBytes(3)), kind);
        await expectKind(putObject(storage, 'a', patternBytes(contract.partBytes + 3)), kind);
      });
    }

    if (openWithoutRoot === undefined) return;
    it('a store whose root is gone lists as not-found, not as empty, and can still be told from a missing object', async () => {
      await using storage = await openWithoutRoot();
      const error = await expectKind(listAll(storage, ''), 'not-found');
      expect(error.key).toBe('');
    });

    it('a store whose root is gone is unavailable to who asks for an object, never "not there"', async () => {
      await using storage = await openWithoutRoot();
      await expectKind(storage.get('a'), 'unavailable');
      await expectKind(storage.head('a'), 'unavailable');
      await expectKind(storage.delete('a'), 'unavailable');
    });

    it('a store whose root is gone is not made by writing into it', async () => {
      await using storage = await openWithoutRoot();
      const bytes = patternBytes(3);
      await expectKind(putObject(storage, 'a', bytes, { mark: markOf(bytes) }), 'not-found');
      await expectKind(listAll(storage, ''), 'not-found');
    });
  });
}
