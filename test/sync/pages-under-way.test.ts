import { expect, test } from 'vitest';
import { PagesUnderWay } from '../../src/engine/sync/pages-under-way.ts';

test('no more pages are begun than twice what the pool has room for, and one more', async () => {
  const pages = new PagesUnderWay({ slots: 2 });
  const ends: (() => void)[] = [];
  let begun = 0;
  const all = (async () => {
    for (; begun < 20; begun++) {
      await pages.room();
      pages.begin(() => new Promise((end) => ends.push(end)));
    }
    await pages.drain();
  })();
  for (let most = 5; most < 20; most++) {
    await new Promise(setImmediate);
    expect(begun).toBe(most);
    ends.shift()?.();
  }
  while (ends.length > 0) {
    ends.shift()?.();
    await new Promise(setImmediate);
  }
  await all;
  expect(begun).toBe(20);
});
