import { describe, expect, it } from 'vitest';
import { receiveEntries } from '../../src/engine/sites/receive-entries.ts';
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

  it('have the same objects also of before they were connected', async () => {
    await using world = await SiteWorld.open(['a', 'b']);
    const { a, b } = world.sites;
    for (let n = 0; n < 50; n++) await a.put('s', `n${n}`, `text ${n}`);
    await a.remove('s', 'n7');
    await b.put('s', 'only here', 'b');
    await world.connect('a', 'b');
    await world.settle();
    expect(await b.read('s', 'n49')).toBe('text 49');
    expect(await b.read('s', 'n7')).toBeUndefined();
    expect(await b.read('s', 'only here')).toBe('b');
    expect((await a.catalog.listPeers())[0]).toMatchObject({ acknowledged: 50, dead: 0 });
  });

  it('undo no delete by a letter that was refused before it, and is sent once more', async () => {
    await using world = await SiteWorld.open(['a', 'b']);
    const { a, b } = world.sites;
    let isRefusing = true;
    await world.connect('a', 'b', (batch, signal) => {
      if (!isRefusing) return receiveEntries(b, batch, signal);
      const refused = { kind: 'refused', why: 'not today' } as const;
      return Promise.resolve({ outcomes: batch.entries.map(() => refused), receipt: undefined });
    });
    await a.put('s', 'x', 'one');
    await world.settle();
    const letters = await a.catalog.listDeadLetters({ peer: 'b', limit: 10 });
    expect(letters).toMatchObject([{ entry: { name: 'x' }, error: 'not today' }]);
    isRefusing = false;
    await a.remove('s', 'x');
    await world.settle();
    expect(await a.catalog.settleDeadLetters('b', letters, 'waiting')).toBe(1);
    await world.settle();
    expect((await b.catalog.readObject('s', 'x'))?.current.content.kind).toBe('tombstone');
    expect((await a.catalog.listPeers())[0]).toMatchObject({ dead: 0 });
    expect(await world.differences()).toEqual([]);
  });
});
