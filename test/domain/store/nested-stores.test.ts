import { expect, test } from 'vitest';
import { prefixIn, storeAt, storesInside } from '../../../src/domain/store/nested-stores.ts';

const configured = (name: string, place: string, ...protocols: readonly string[]) => ({
  name,
  place,
  protocols: [place, ...protocols].map((one) => ({ place: one })),
});

test('a key lies in the innermost store that begins it, by whatever protocol, and by the name it is configured with', () => {
  const inside = storesInside('file:///disk/', {
    configured: [
      configured('disk', 'file:///disk/'),
      configured('mid', 'file:///disk/mid/'),
      configured('tape', 's3://tape/bucket/', 'file:///disk/of%20tape/'),
      configured('beside', 'file:///disk2/'),
    ],
    known: [
      { store: 'file:///disk/mid/', title: 'its old name' },
      { store: 'file:///disk/mid/inner/', title: 'inner' },
      { store: 'file:///', title: 'around' },
    ],
  });
  const at = (key: string): string | undefined => storeAt(inside, key)?.name;
  expect(inside.map(({ name }) => name)).toEqual(['mid/inner/', 'of tape/', 'mid/'].map((prefix) => at(`${prefix}x`)));
  expect(at('mid/x')).toBe('mid');
  expect(at('mid/inner/x/y')).toBe('inner');
  expect(at('of tape/.pando/lease')).toBe('tape');
  expect(at('middle/x')).toBeUndefined();
  expect(at('mid')).toBeUndefined();
  expect(at('disk2/x')).toBeUndefined();
});

test('a place that is not escaped as one is taken as it is written', () => {
  expect(prefixIn('test:100%/', 'test:100%/in/')).toBe('in/');
  expect(prefixIn('test:100%/in/', 'test:100%/')).toBeUndefined();
  expect(prefixIn('test:a/', 'test:a/')).toBe('');
});
