import { describe, expect, it } from 'vitest';
import { type Contract, expectKind, listAll, patternBytes, putObject, readObject, unknownMark } from './harness.ts';

const HOSTILE: readonly [string, string][] = [
  ['empty', ''],
  ['above the root', '../x'],
  ['above the root, deeper', 'a/../../x'],
  ['absolute', '/x'],
  ['with an empty segment', 'a//b'],
  ['with a dot segment', 'a/./b'],
  ['of one dot', '.'],
  ['of two dots', '..'],
  ['of a directory', 'a/'],
  ['with NUL', 'a\u0000b'],
  ['with a line feed', 'a\nb'],
  ['with DEL', 'a\u007fb'],
  ['of a lone surrogate', 'a\ud800b'],
  ['of 1025 bytes', longKey(1025)],
  ['of 1025 bytes in fewer characters', `${longKey(1022)}€`],
  ['in .pando', '.pando/lease'],
  ['that is .pando', '.pando'],
];

/** Duties towards keys: hostile ones are refused before anything is touched, all others are told apart. */
export function describeKeys(contract: Contract): void {
  describe('keys', () => {
    it.for(HOSTILE)('refuses a key %s on every method', async ([, key]) => {
      const storage = contract.storage();
      await expectKind(storage.get(key), 'invalid-key');
      await expectKind(storage.head(key), 'invalid-key');
      await expectKind(storage.delete(key), 'invalid-key');
      const error = await expectKind(
        storage.stage(key, patternBytes(3), { attributes: {}, mark: unknownMark() }),
        'invalid-key',
      );
      expect(error.message).not.toMatch(/[\u0000-\u001f\u007f]/u);
    });

    it('keeps what is set aside below .pando/dark apart from all else', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const [key, aside] = [`${prefix}a`, `.pando/dark/${prefix}a/é.b`];
      await putObject(storage, key, patternBytes(5));
      const { token } = await putObject(storage, aside, patternBytes(7), { ifAbsent: true });
      await expectKind(putObject(storage, aside, patternBytes(7), { ifAbsent: true }), 'precondition-failed');
      expect((await readObject(storage, aside)).length).toBe(7);
      expect((await listAll(storage, '')).keys.filter((one) => one.startsWith('.pando'))).toEqual([]);
      expect((await listAll(storage, prefix)).keys).toEqual([key]);
      expect((await listAll(storage, `.pando/dark/${prefix}`)).objects).toMatchObject([{ key: aside, size: 7, token }]);
      expect((await listAll(storage, '.pando/dark/')).keys).toContain(aside);
      await storage.delete(aside, { ifToken: token });
      expect((await listAll(storage, `.pando/dark/${prefix}`)).keys).toEqual([]);
      await expectKind(storage.head('.pando/dark/../lease'), 'invalid-key');
    });

    it('accepts the longest key', async () => {
      const storage = contract.storage();
      const key = longKey(contract.options.keyBytesMax ?? 1024);
      await putObject(storage, key, patternBytes(9));
      expect((await readObject(storage, key)).length).toBe(9);
      await storage.delete(key);
    });

    it('tells keys apart that differ by case or by normal form, or refuses the second', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const names = ['Case', 'case', 'é', 'e\u0301', 'dir/x', 'DIR/x'];
      const kept: string[] = [];
      for (const [i, name] of names.entries()) {
        const put = await putObject(storage, prefix + name, patternBytes(i + 1), { ifAbsent: true }).catch(
          () => undefined,
        );
        if (put !== undefined) kept.push(name);
      }
      for (const name of kept) expect((await readObject(storage, prefix + name)).length).toBe(names.indexOf(name) + 1);
    });

    it('takes every character a URL or a shell would mind', async () => {
      const storage = contract.storage();
      const prefix = contract.prefix();
      const names = [
        '%2e%2e',
        'a%00',
        'a?b=c&d',
        '#frag',
        'back\\slash',
        'a b  c',
        '$HOME `x`',
        '*?[a]',
        'quote\'"',
        '...',
        '-rf',
        'x.',
        'a/.hidden',
      ];
      for (const [i, name] of names.entries()) await putObject(storage, prefix + name, patternBytes(i + 1));
      for (const [i, name] of names.entries())
        expect((await readObject(storage, prefix + name)).length, name).toBe(i + 1);
    });
  });
}

/** A key of exactly so many bytes, in segments every file system takes. */
function longKey(bytes: number): string {
  return `${'d'.repeat(199)}/`
    .repeat(Math.ceil(bytes / 200))
    .slice(0, bytes - 1)
    .concat('k');
}
