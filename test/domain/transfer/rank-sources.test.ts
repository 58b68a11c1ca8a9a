import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReplicaState } from '../../../src/domain/replica/replica.ts';
import { rankSources, type SourceFacts } from '../../../src/domain/transfer/rank-sources.ts';

const source = (store: string, more: Partial<SourceFacts> = {}, cost = 10): SourceFacts => ({
  store,
  replica: 'AVAILABLE',
  isCurrent: true,
  matchesExpression: true,
  isReadable: true,
  kind: 'disk',
  failures: 0,
  failureRate: 0,
  route: { stores: [store, 'z'], cost },
  ...more,
});
const tape = (store: string, more: Partial<SourceFacts> = {}, cost = 10) =>
  source(store, { kind: 'tape', ...more }, cost);
const order = (...sources: readonly SourceFacts[]) => rankSources(sources, 'z').ranked.map(({ store }) => store);

describe('sources come', () => {
  test('disk before tape, though the tape is nearer', () => {
    expect(order(tape('t', {}, 1), source('d', {}, 15))).toEqual(['d', 't']);
  });

  test('disk before tape after one failure, and behind it after two', () => {
    expect(order(tape('t'), source('d', { failures: 1 }))).toEqual(['d', 't']);
    expect(order(tape('t'), source('d', { failures: 2 }))).toEqual(['t', 'd']);
    expect(order(tape('t2', { failures: 1 }), tape('t1'))).toEqual(['t1', 't2']);
  });

  test('by how often they failed lately before how near they are', () => {
    expect(order(source('near', { failureRate: 0.5 }, 10), source('far', { failureRate: 0.25 }, 20))).toEqual([
      'far',
      'near',
    ]);
  });

  test('by distance, then hops, then name', () => {
    const twoHops = { route: { stores: ['c', 'x', 'z'], cost: 5 } };
    expect(order(source('a', {}, 6), source('e', {}, 5), source('d', {}, 5), source('c', twoHops))).toEqual([
      'd',
      'e',
      'c',
      'a',
    ]);
  });

  test('after all that were read in full, where they were only seen', () => {
    expect(order(source('seen', { replica: 'UNVERIFIED' }, 1), tape('t', { failures: 9 }, 99))).toEqual(['t', 'seen']);
  });
});

describe('a source is rejected', () => {
  test.each<[why: string, more: Partial<SourceFacts>]>([
    ['the source expression does not name it', { matchesExpression: false }],
    ['it may not be read, or has no protocol for it', { isReadable: false }],
    ['it has another version', { isCurrent: false }],
    ['its own copy is still being written', { replica: 'COPYING' }],
    ['it does not answer', { replica: 'TEMPORARY_UNAVAILABLE' }],
    ['it does not answer', { replica: 'UNAVAILABLE' }],
    ['it holds, or may hold, other bytes than recorded', { replica: 'SUSPICIOUS' }],
    ['its bytes were found wrong or gone', { replica: 'BAD' }],
    ['its copy is being deleted', { replica: 'BEING_DELETED' }],
    ['there is no way from it to the destination', { route: undefined }],
    ['it is the destination', { store: 'z' }],
  ])('because %s', (why, more) => {
    const made = source('a', more);
    expect(rankSources([made], 'z')).toEqual({ ranked: [], rejected: [{ store: made.store, why }] });
  });

  test('or ranked, each exactly once, and in an order that does not depend on how they are listed', () => {
    const aSource = fc.record({
      replica: fc.constantFrom<ReplicaState>('AVAILABLE', 'AVAILABLE', 'UNVERIFIED', 'BAD'),
      kind: fc.constantFrom('disk' as const, 'tape' as const),
      failures: fc.nat(2),
      failureRate: fc.constantFrom(0, 0.5),
      isReadable: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(aSource, fc.nat(2)), { maxLength: 8 }), (made) => {
        const sources = made.map(([more, cost], at) => source(`s${at}`, more, cost));
        const ranking = rankSources(sources, 'z');
        const named = [...ranking.ranked, ...ranking.rejected].map(({ store }) => store);
        expect(named.toSorted()).toEqual(sources.map(({ store }) => store).toSorted());
        expect(rankSources(sources.toReversed(), 'z').ranked).toEqual(ranking.ranked);
      }),
    );
  });

  test('never without a word: those chosen say what for', () => {
    expect(rankSources([tape('t', { failures: 1 })], 'z').ranked[0]?.why).toBe(
      'a verified copy on tape, failed attempts: 1, at distance 10',
    );
  });
});
