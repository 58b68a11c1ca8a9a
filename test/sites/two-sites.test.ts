import { describe, expect, it } from 'vitest';
import { SiteWorld } from './site-world.ts';

describe('two sites', () => {
  it('have the same objects once one has told the other', async () => {
    await using world = await SiteWorld.open(['a', 'b']);
    const { a, b } = world.sites;
    await world.connect('a', 'b');
    await a.put('s', 'x', 'one');
    await a.put('s', 'x', 'two');
    await a.put('s', 'y', 'three');
    await a.remove('s', 'y');
    await world.settle();
    expect(await b.read('s', 'x')).toBe('two');
    expect(await b.read('s', 'y')).toBeUndefined();
    expect(await world.differences()).toEqual([]);
  });
});
