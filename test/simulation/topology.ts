import type { SimulatedRandom } from '../../src/testing/simulated-random.ts';

export type Shape = 'pair' | 'ring' | 'mesh' | 'tree';

/** Who tells whom. */
export interface Topology {
  readonly shape: Shape;
  readonly bothWays: boolean;
  readonly sites: readonly string[];
  readonly ways: readonly (readonly [from: string, to: string])[];
}

const NAMES = ['a', 'b', 'c', 'd', 'e'];

export function makeTopology(shape: Shape, count: number, bothWays: boolean, random: SimulatedRandom): Topology {
  const sites = NAMES.slice(0, count);
  const oneWay = waysOf(shape, sites, random);
  const ways = bothWays ? unique([...oneWay, ...oneWay.map(([from, to]) => [to, from] as const)]) : oneWay;
  return { shape, bothWays, sites, ways };
}

export function drawTopology(random: SimulatedRandom, count = random.pick([2, 2, 3, 3, 3, 4, 5])): Topology {
  const shape = count === 2 ? 'pair' : random.pick<Shape>(['ring', 'mesh', 'tree']);
  return makeTopology(shape, count, random.chance(0.7), random);
}

function waysOf(shape: Shape, sites: readonly string[], random: SimulatedRandom): (readonly [string, string])[] {
  switch (shape) {
    case 'pair':
      return [[sites[0] as string, sites[1] as string]];
    case 'ring':
      return sites.map((site, at) => [site, sites[(at + 1) % sites.length] as string]);
    case 'mesh':
      return sites.flatMap((from) => sites.filter((to) => to !== from).map((to) => [from, to] as const));
    case 'tree':
      return sites.slice(1).map((site, at) => [sites[random.below(at + 1)] as string, site]);
  }
}

function unique(ways: readonly (readonly [string, string])[]): (readonly [string, string])[] {
  return [...new Map(ways.map((way) => [way.join(' '), way])).values()];
}

/** By site: those whose changes reach it, itself among them. */
export function heardBy({ sites, ways }: Topology): Map<string, Set<string>> {
  const heard = new Map(sites.map((site) => [site, new Set([site])]));
  for (let round = 0; round < sites.length; round++) {
    for (const [from, to] of ways) for (const site of heard.get(from) ?? []) heard.get(to)?.add(site);
  }
  return heard;
}

/** By site: those that tell it of changes, and itself. */
export function toldBy({ sites, ways }: Topology): Map<string, Set<string>> {
  return new Map(
    sites.map((site) => [site, new Set([site, ...ways.filter(([, to]) => to === site).map(([from]) => from)])]),
  );
}
