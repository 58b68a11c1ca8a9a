import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findRoute, type Link, type Topology } from '../../../src/domain/transfer/find-route.ts';

const HOP_PENALTY = 10;
const link = (from: string, to: string, distance: number): Link => ({ from, to, distance });
const topology = (links: readonly Link[], more: Partial<Topology> = {}): Topology => ({
  links,
  relays: new Map(['b', 'c', 'd'].map((store) => [store, HOP_PENALTY])),
  hopsMax: 4,
  ...more,
});
const route = (one: Topology) => findRoute(one, { from: 'a', to: 'z' });

describe('a route', () => {
  test('is the link where nothing is cheaper, counting the hops', () => {
    expect(route(topology([link('a', 'z', 20), link('a', 'b', 5), link('b', 'z', 5)]))).toEqual({
      stores: ['a', 'z'],
      cost: 20,
    });
  });

  test('leads over other stores where that is cheaper, or the only way', () => {
    const links = [link('a', 'b', 1), link('b', 'c', 1), link('c', 'z', 1)];
    expect(route(topology(links))).toEqual({ stores: ['a', 'b', 'c', 'z'], cost: 23 });
    expect(route(topology([...links, link('a', 'z', 24)]))?.stores).toEqual(['a', 'b', 'c', 'z']);
  });

  test('has no more hops than allowed, though there is a cheaper one', () => {
    const links = [link('a', 'b', 1), link('b', 'c', 1), link('c', 'z', 1), link('b', 'z', 50)];
    expect(route(topology(links, { hopsMax: 2 }))).toEqual({ stores: ['a', 'b', 'z'], cost: 61 });
    expect(route(topology(links, { hopsMax: 1 }))).toBeUndefined();
  });

  test('is found though a cheaper way to its middle has too many hops', () => {
    const links = [link('a', 'b', 0), link('b', 'c', 0), link('a', 'c', 100), link('c', 'd', 0), link('d', 'z', 0)];
    expect(route(topology(links, { hopsMax: 3 }))?.stores).toEqual(['a', 'c', 'd', 'z']);
  });

  test('passes only through stores that relay, each at its own cost', () => {
    const links = [link('a', 'b', 1), link('b', 'z', 1), link('a', 'c', 1), link('c', 'z', 1)];
    expect(route(topology(links, { relays: new Map([['c', 7]]) }))).toEqual({ stores: ['a', 'c', 'z'], cost: 9 });
    expect(route(topology(links, { relays: new Map() }))).toBeUndefined();
  });

  test('follows links in their direction', () => {
    expect(route(topology([link('z', 'a', 1)]))).toBeUndefined();
  });

  test('is, of equally cheap ones, the one with fewer hops, then the first by name', () => {
    const links = [link('a', 'c', 1), link('c', 'z', 1), link('a', 'b', 1), link('b', 'z', 1)];
    expect(route(topology(links))?.stores).toEqual(['a', 'b', 'z']);
    expect(route(topology([...links, link('a', 'z', 12)]))?.stores).toEqual(['a', 'z']);
  });
});

describe('for any network', () => {
  const store = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'z');
  const links = fc.array(fc.record({ from: store, to: store, distance: fc.nat(30) }), { maxLength: 25 });
  const network = fc.record({
    links,
    relays: fc.array(fc.tuple(store, fc.nat(10)), { maxLength: 6 }).map((entries) => new Map(entries)),
    hopsMax: fc.integer({ min: 1, max: 4 }),
  });

  test('a route is never longer than the direct link', () => {
    fc.assert(
      fc.property(network, (one) => {
        const direct = one.links.filter(({ from, to }) => from === 'a' && to === 'z').map(({ distance }) => distance);
        if (direct.length > 0) expect(route(one)?.cost).toBeLessThanOrEqual(Math.min(...direct));
      }),
    );
  });

  test('it is the cheapest there is, and does not depend on the order of the links', () => {
    fc.assert(
      fc.property(network, (one) => {
        const found = route(one);
        expect(found?.cost).toBe(cheapest(one, 'a', 0));
        expect(route({ ...one, links: one.links.toReversed() })).toEqual(found);
        expect(found === undefined || found.stores.length - 1 <= one.hopsMax).toBe(true);
      }),
    );
  });
});

/** By trying every walk. */
function cheapest(one: Topology, here: string, hops: number): number | undefined {
  if (here === 'z') return 0;
  const passing = hops === 0 ? 0 : one.relays.get(here);
  if (hops === one.hopsMax || passing === undefined) return undefined;
  const costs = one.links
    .filter(({ from }) => from === here)
    .map(({ to, distance }) => {
      const rest = cheapest(one, to, hops + 1);
      return rest === undefined ? undefined : passing + distance + rest;
    })
    .filter((cost) => cost !== undefined);
  return costs.length === 0 ? undefined : Math.min(...costs);
}
