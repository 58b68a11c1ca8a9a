import { expect, test } from 'vitest';
import { makeProfile } from '../src/config/make-profile.ts';
import { openLedgers, pacesOf } from '../src/open-bandwidths.ts';
import type { OpenStore, WorkerStore } from '../src/open-storage.ts';

const PLACES: Readonly<Record<string, readonly string[]>> = {
  near: ['file:///near/'],
  alias: ['file:///near/', 'sftp://near/'],
  far: ['file:///far/'],
};

function store(name: string, bandwidthFrom: Readonly<Record<string, number>> = {}): WorkerStore {
  const profile = { ...makeProfile(name, { type: 'file', basePath: `/${name}` }), bandwidthFrom };
  const open: OpenStore = { place: PLACES[name]?.at(-1) ?? '', blocking: false, symlinks: 'follow', workers: 1 };
  return { profile, open: { ...open, ...openLedgers(profile, (other) => PLACES[other] ?? []) } };
}

test('a bandwidth is of a place, by whatever name', () => {
  const far = store('far', { alias: 1000, nobody: 1 });
  expect(pacesOf([store('near'), far])).toMatchObject([{ store: 0, target: 0, bytesPerSecond: 1000 }]);
  expect(pacesOf([far, store('near'), far])).toMatchObject([{ store: 1, target: 1, bytesPerSecond: 1000 }]);
  // And by whatever protocol.
  expect(pacesOf([store('alias'), far])).toMatchObject([{ store: 0, target: 0, bytesPerSecond: 1000 }]);
  expect(pacesOf([far, store('near')])).toEqual([]);
});
