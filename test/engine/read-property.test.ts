import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ObjectError } from '../../src/engine/object-error.ts';
import { type ByteRange, resolveByteRange } from '../../src/domain/transfer/byte-range.ts';
import type { Fault } from './faulty-store.ts';
import { openWorld, put, readText, type World } from './world.ts';

const SIZE_MAX = 24;
const CASES = process.env['PANDO_SOAK'] === '1' ? 10_000 : 300;

/** What lies in a replica when the read begins, compared with what the catalog thinks. */
type Holding = 'current' | 'older' | 'foreign' | 'gone';

interface Case {
  readonly size: number;
  readonly stores: readonly { readonly holding: Holding; readonly fault: Fault }[];
  readonly source: { readonly holding: Holding; readonly fault: Fault };
  readonly range: ByteRange | undefined;
  readonly consistency: 'validated' | 'current' | 'any';
  readonly bufferedBytesMax: number;
  readonly known: boolean;
}

const position = fc.oneof(fc.constantFrom(0, 1, 3, 4, 5, 8, SIZE_MAX - 1, SIZE_MAX), fc.nat(SIZE_MAX));
const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Fault>({ kind: 'none' }) },
  fc.constantFrom<Fault>({ kind: 'down' }, { kind: 'hangs' }, { kind: 'denies' }, { kind: 'lengthens' }),
  position.map((after): Fault => ({ kind: 'breaks', after })),
  position.map((after): Fault => ({ kind: 'stalls', after })),
  position.map((after): Fault => ({ kind: 'truncates', after })),
  position.map((at): Fault => ({ kind: 'corrupts', at })),
);
const holding = fc.constantFrom<Holding>('current', 'current', 'older', 'foreign', 'gone');
const store = fc.record({ holding, fault });
const range: fc.Arbitrary<ByteRange | undefined> = fc.oneof(
  fc.constant(undefined),
  fc.tuple(position, position).map(([a, b]) => ({ start: Math.min(a, b), end: Math.max(a, b) })),
  position.map((start) => ({ start })),
  position.map((suffix) => ({ suffix })),
);

const aCase: fc.Arbitrary<Case> = fc.record({
  size: position,
  stores: fc.array(store, { minLength: 1, maxLength: 3 }),
  source: store,
  range,
  consistency: fc.constantFrom('validated', 'current', 'any'),
  bufferedBytesMax: fc.constantFrom(0, 8, 1024),
  known: fc.boolean(),
});

/** Three versions of one length, so that bytes of two of them are never taken for those of one. */
const textOf = (letter: string, size: number): string =>
  Array.from({ length: size }, (_, at) => `${letter}${at % 10}`)
    .join('')
    .slice(0, size);

describe('whatever is wrong with the stores', () => {
  test('a read gives the bytes of exactly one version, or an error', async () => {
    await fc.assert(fc.asyncProperty(aCase, readsOneVersion), { numRuns: CASES });
  });
});

async function readsOneVersion(one: Case): Promise<void> {
  await using world = await prepare(one);
  const { clock, verbs, scope } = world;
  const { range, consistency, bufferedBytesMax } = one;
  let text: string;
  try {
    text = await clock.run(readText(verbs, { scope, name: 'a', range, consistency, bufferedBytesMax }));
  } catch (error) {
    expect(error).toBeInstanceOf(ObjectError);
    expect(mustServe(one)).toBe(false);
    return;
  }
  const versions = ['n', 'o', 'f'].map((letter) => {
    const whole = letter === 'f' ? textOf('f', one.size + 1) : textOf(letter, one.size);
    const { start, end } = resolveByteRange(range, whole.length);
    return whole.slice(start, end);
  });
  expect(versions).toContain(text);
  if (consistency === 'validated' && one.known && one.source.holding === 'current') expect(text).toBe(versions[0]);
}

/** Somebody has the version, intact and at hand, and the source says nothing else: then there is no excuse. */
function mustServe({ stores, source, consistency, bufferedBytesMax, known }: Case): boolean {
  if (consistency !== 'validated' || !known || source.holding !== 'current' || bufferedBytesMax < SIZE_MAX)
    return false;
  return [...stores, source].some(({ holding, fault }) => holding === 'current' && fault.kind === 'none');
}

/** A new version everywhere; then stores go back, are overwritten or lose it behind Pando's back, and begin to misbehave. */
async function prepare(one: Case): Promise<World> {
  const world = await openWorld({ replicas: one.stores.length });
  await world.write('a', textOf('o', one.size));
  await world.write('a', textOf('n', one.size));
  await world.carryOut();
  const row = await world.catalog.readObject('data', 'a');
  const stores = [
    ...world.replicas.map((storage, at) => ({ storage, ...one.stores[at]! })),
    { storage: world.source, ...one.source },
  ];
  for (const { storage, holding } of stores) {
    if (holding === 'gone') await storage.delete('a');
    if (holding === 'older') await put(storage, 'a', textOf('o', one.size));
    if (holding === 'foreign') await put(storage, 'a', textOf('f', one.size + 1));
  }
  if (!one.known)
    await world.catalog.record({
      replicas: (row?.replicas ?? []).map(({ store, versionId }) => ({
        scope: 'data',
        name: 'a',
        versionId,
        store,
        to: 'drop' as const,
      })),
    });
  for (const { storage, fault, holding } of stores) {
    // A range has no hash: a bit that flips under an unchanged token can only be seen in a whole read. And what a source always gives,
    // without anything recorded to tell it from, is what it holds.
    const isAlone = storage === world.source && (!one.known || holding !== 'current');
    const isBlind = fault.kind === 'corrupts' && (one.range !== undefined || one.consistency === 'any' || isAlone);
    storage.fault = isBlind ? { kind: 'none' } : fault;
  }
  return world;
}
