import { expect, test } from 'vitest';
import { ReleaseLooks } from '../../src/engine/releases/release-looks.ts';
import type { ReleasedRecord } from '../../src/ports/rules.ts';

const STORE = 'file:///far/';

function released(at: number, purge = false): ReleasedRecord {
  return {
    scope: 'data',
    name: `object-${at}`,
    store: STORE,
    versionId: at,
    objectId: at,
    bytes: 1,
    lastUsedMs: at,
    purge,
    isSourceInUse: false,
    isCountedBesides: false,
    state: 'AVAILABLE',
    verification: 'written',
    isSoft: false,
    isCurrent: true,
    copies: [],
  };
}

function begin() {
  const clock = { ms: 0, monotonicMs: () => clock.ms };
  return { clock, looks: new ReleaseLooks(clock) };
}

test('a look goes on behind what was passed, of each kind, and begins anew after a minute', () => {
  const { clock, looks } = begin();
  expect(looks.after(STORE)).toBeUndefined();
  looks.passed(STORE, [released(1, true), released(7)], { tookMs: 0, staying: 2 });
  expect(looks.after(STORE)).toMatchObject({ purged: { versionId: 1 }, others: { versionId: 7 } });
  clock.ms = 30_000;
  looks.passed(STORE, [released(9, true)], { tookMs: 0, staying: 0 });
  expect(looks.after(STORE)).toMatchObject({ purged: { versionId: 9 }, others: { versionId: 7 } });
  clock.ms = 60_000;
  expect(looks.after(STORE)).toBeUndefined();
});

test('what has to stay is looked at again, however busy the worker is with what goes', () => {
  const { clock, looks } = begin();
  looks.passed(STORE, [released(1)], { tookMs: 1_000, staying: 1 });
  let waitedMs = 0;
  for (; looks.after(STORE) !== undefined; waitedMs += 1_000) {
    clock.ms += 1_000;
    looks.passed(STORE, [released(clock.ms, true)], { tookMs: 900, staying: 0 });
  }
  expect(waitedMs).toBeLessThan(75_000);
});

test('where looks take long they are rarer, and no rarer than once an hour', () => {
  const { clock, looks } = begin();
  looks.passed(STORE, [released(1)], { tookMs: 60_000, staying: 1 });
  clock.ms = 600_000;
  expect(looks.after(STORE)).toBeDefined();
  for (let page = 0; page < 1_000; page++) looks.passed(STORE, [released(page)], { tookMs: 2_000, staying: 1 });
  clock.ms = 3_599_000;
  expect(looks.after(STORE)).toBeDefined();
  clock.ms = 3_600_000;
  expect(looks.after(STORE)).toBeUndefined();
});
