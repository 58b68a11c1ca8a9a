import { describe, expect, it } from 'vitest';
import type { CatalogContract } from './harness.ts';

/** Duties of the verbs of tokens, and of what a version says for HTTP. */
export function describeTokens(contract: CatalogContract): void {
  describe('tokens', () => {
    const hash = (digit: string): string => digit.repeat(64);

    it('are listed by name with their rights', async () => {
      const { catalog } = contract;
      const rights = ['read', 'write'] as const;
      expect(await catalog.addToken({ name: 'z', hash: hash('1'), rights, scopes: ['a', 'b'] })).toBe('added');
      expect(await catalog.addToken({ name: 'y', hash: hash('2'), rights: ['admin'], scopes: undefined })).toBe(
        'added',
      );
      expect(await catalog.listTokens()).toMatchObject([
        { name: 'y', hash: hash('2'), rights: ['admin'], scopes: undefined },
        { name: 'z', hash: hash('1'), rights: ['read', 'write'], scopes: ['a', 'b'] },
      ]);
    });

    it('of a name that is taken change nothing', async () => {
      const { catalog } = contract;
      await catalog.addToken({ name: 'x', hash: hash('3'), rights: ['read'], scopes: undefined });
      const again = { name: 'x', hash: hash('4'), rights: ['admin'], scopes: undefined } as const;
      expect(await catalog.addToken(again)).toBe('taken');
      expect((await catalog.listTokens()).find(({ name }) => name === 'x')?.hash).toBe(hash('3'));
    });

    it('that were removed are gone', async () => {
      const { catalog } = contract;
      await catalog.addToken({ name: 'w', hash: hash('5'), rights: ['read'], scopes: undefined });
      expect(await catalog.removeToken('w')).toBe(true);
      expect(await catalog.removeToken('w')).toBe(false);
      expect((await catalog.listTokens()).some(({ name }) => name === 'w')).toBe(false);
    });
  });
}
