import type { ConflictPolicy } from '../../src/domain/journal/conflict-policy.ts';
import { NO_NETWORK_FAULTS, type NetworkFaults } from '../../src/testing/simulated-network.ts';
import { SimulatedRandom } from '../../src/testing/simulated-random.ts';
import { drawTopology, type Topology } from './topology.ts';

/** All of a simulation that is decided before it begins. */
export interface Plan {
  readonly seed: number;
  readonly topology: Topology;
  /** Of each site's wall clock. */
  readonly skewMs: ReadonlyMap<string, number>;
  readonly stream: {
    readonly batchSize: number;
    readonly workers: number;
    readonly inlineBytesMax: number;
    readonly retryDelayMs: number;
  };
  /** What its sites do about conflicts. */
  readonly conflicts: ConflictPolicy;
  readonly hasFaults: boolean;
  /** Who waits for whom, as `from to`, for how long, and for how many of them. */
  readonly sync: {
    readonly ways: ReadonlySet<string>;
    readonly timeoutMs: number;
    readonly copies: number | undefined;
  };
  /** A peer for which more waits is compared instead. */
  readonly backlogEntriesMax: number;
  /** What others were to tell a peer is looked for there after so long. */
  readonly forwardAfterMs: number;
  /** Nothing ever goes there: what is meant for those sites comes by others. */
  readonly silent: Topology['ways'];
  readonly network: NetworkFaults;
  /** Calls of ports take up to so long, and as often as this. */
  readonly portMsMax: number;
  readonly portSlowness: number;
  readonly acts: readonly Act[];
  readonly mishaps: readonly Mishap[];
  /** When faults stop. */
  readonly healMs: number;
}

/** What a client does at a site. */
export interface Act {
  readonly atMs: number;
  readonly site: string;
  readonly name: string;
  readonly kind:
    | 'put'
    | 'put-if-absent'
    | 'put-if-seen'
    | 'put-over-all'
    | 'delete'
    | 'delete-lost'
    | 'read'
    | 'repeat'
    | 'repeat-elsewhere';
  /** Different for different bytes; a few are used twice. */
  readonly text: string;
}

export type Mishap =
  | {
      readonly kind: 'cut';
      readonly atMs: number;
      readonly untilMs: number;
      readonly from: string;
      readonly to: string;
    }
  | {
      readonly kind: 'crash';
      readonly atMs: number;
      readonly untilMs: number;
      readonly site: string;
      /** Not at once, but at this call of a port after it. */
      readonly atCall: { readonly after: number; readonly moment: 'before' | 'after' } | undefined;
      readonly losesPower: boolean;
    }
  /** Its catalog is put back to what it was before, or gone with all of its bytes. */
  | {
      readonly kind: 'restore';
      /** When the copy is made that is put back. */
      readonly copiedMs: number;
      readonly atMs: number;
      readonly untilMs: number;
      readonly site: string;
    }
  | { readonly kind: 'wipe'; readonly atMs: number; readonly untilMs: number; readonly site: string };

const HOUR_MS = 3_600_000;

export interface PlanOptions {
  readonly sites?: number | undefined;
}

export function makePlan(seed: number, { sites }: PlanOptions = {}): Plan {
  const random = new SimulatedRandom(seed);
  const topology = drawTopology(random, sites);
  const healMs = random.between(1, 5) * 1000;
  const hasFaults = random.chance(0.85);
  const skewed = hasFaults && random.chance(0.5);
  return {
    seed,
    topology,
    skewMs: new Map(topology.sites.map((site) => [site, skewed ? random.between(-HOUR_MS, HOUR_MS) : 0])),
    stream: {
      batchSize: random.pick([1, 2, 5, 100]),
      workers: random.pick([1, 2, 5]),
      // All are small, some are large, all are large.
      inlineBytesMax: random.pick([1000, 1000, 20, 1]),
      retryDelayMs: random.pick([50, 200, 1000]),
    },
    conflicts: random.pick(['last-writer-wins', 'keep-both', 'reject']),
    hasFaults,
    ...drawQueues(new SimulatedRandom(seed ^ 0x9e0e), topology, hasFaults),
    ...drawSilence(new SimulatedRandom(seed ^ 0x511e), topology, hasFaults),
    network: hasFaults ? drawNetworkFaults(random) : { ...NO_NETWORK_FAULTS, delayMsMax: random.pick([1, 5, 50]) },
    portMsMax: random.pick([1, 3, 10]),
    portSlowness: random.pick([0, 0.1, 0.5]),
    acts: drawActs(random, topology, healMs),
    mishaps: hasFaults ? [...drawMishaps(random, topology, healMs), ...drawLosses(random, topology, healMs)] : [],
    healMs,
  };
}

/** Drawn apart from the rest, which is what it was before there was this. */
function drawQueues(
  random: SimulatedRandom,
  { ways }: Topology,
  hasFaults: boolean,
): Pick<Plan, 'sync' | 'backlogEntriesMax'> {
  const waited = ways.filter(() => random.chance(0.4)).map((way) => way.join(' '));
  return {
    sync: {
      ways: new Set(waited),
      timeoutMs: random.pick([100, 1000, 20_000]),
      copies: random.pick([undefined, undefined, 1, 2]),
    },
    // What is queued once more is sent once more, which is looked for where nothing goes wrong.
    backlogEntriesMax: hasFaults ? random.pick([1_000_000, 1_000_000, 4, 8, 16]) : 1_000_000,
  };
}

/** Two sites that never hear each other, where there is another way between them. */
function drawSilence(
  random: SimulatedRandom,
  { sites, ways, shape, bothWays }: Topology,
  hasFaults: boolean,
): Pick<Plan, 'silent' | 'forwardAfterMs'> {
  // What is looked for on its way is sent twice, which is looked for where nothing goes wrong.
  const forwardAfterMs = hasFaults ? random.pick([1_000, 3_000]) : HOUR_MS;
  const isPossible = hasFaults && bothWays && shape !== 'tree' && sites.length > 2;
  if (!isPossible || !random.chance(0.5)) return { silent: [], forwardAfterMs };
  const [from, to] = random.pick(ways);
  return {
    silent: [
      [from, to],
      [to, from],
    ],
    forwardAfterMs,
  };
}

/** What is heard when nothing goes wrong any more. */
export function talkingOf({ topology, silent }: Plan): Topology {
  const unheard = new Set(silent.map((way) => way.join(' ')));
  return { ...topology, ways: topology.ways.filter((way) => !unheard.has(way.join(' '))) };
}

function drawNetworkFaults(random: SimulatedRandom): NetworkFaults {
  const often = (): number => random.pick([0, 0, 0.02, 0.1, 0.3]);
  return {
    delayMsMax: random.pick([1, 5, 50, 500, 1500]),
    loseQuestion: often(),
    loseAnswer: often(),
    duplicate: often(),
    corrupt: often(),
    turnAway: often(),
    entriesMax: random.pick([Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 1, 3]),
  };
}

function drawActs(random: SimulatedRandom, { sites }: Topology, healMs: number): Act[] {
  const names = Array.from({ length: random.pick([1, 2, 4, 12]) }, (_, at) => `n${at}`);
  const count = random.between(10, 60);
  // Many at one moment meet each other on their way.
  const moments = Array.from({ length: random.between(1, 12) }, () => random.below(healMs));
  const kinds: readonly Act['kind'][] = [
    ...Array.from({ length: 8 }, () => 'put' as const),
    ...Array.from({ length: 3 }, () => 'delete' as const),
    ...Array.from({ length: 3 }, () => 'read' as const),
    'put-if-absent',
    'put-if-seen',
    'put-over-all',
    'delete-lost',
    'repeat',
    'repeat-elsewhere',
  ];
  return Array.from({ length: count }, (_, at) => ({
    atMs: random.chance(0.5) ? random.pick(moments) + random.below(20) : random.below(healMs),
    site: random.pick(sites),
    name: random.pick(names),
    kind: random.pick(kinds),
    text: random.chance(0.1) ? 'the same for some' : `text ${at} `.repeat(random.between(1, 5)),
  }));
}

function drawMishaps(random: SimulatedRandom, { sites, ways }: Topology, healMs: number): Mishap[] {
  const span = (): { atMs: number; untilMs: number } => {
    const atMs = random.below(healMs);
    return { atMs, untilMs: atMs + random.pick([50, 500, 2000, 5000]) };
  };
  const cuts = Array.from({ length: random.below(4) }, (): Mishap[] => {
    const [from, to] = random.pick(ways);
    const when = span();
    const one: Mishap = { kind: 'cut', ...when, from, to };
    return random.chance(0.5) ? [one] : [one, { kind: 'cut', ...when, from: to, to: from }];
  });
  const crashes = Array.from(
    { length: random.below(4) },
    (): Mishap => ({
      kind: 'crash',
      ...span(),
      site: random.pick(sites),
      atCall: random.chance(0.7)
        ? { after: random.between(1, 60), moment: random.pick(['before', 'after']) }
        : undefined,
      losesPower: random.chance(0.5),
    }),
  );
  return [...cuts.flat(), ...crashes];
}

/** Sites that tell each other both ways: what one of them has lost the others have, and can say. */
function drawLosses(random: SimulatedRandom, { sites, bothWays }: Topology, healMs: number): Mishap[] {
  if (!bothWays || !random.chance(0.5)) return [];
  // Something is written before, and something after.
  const copiedMs = random.below(healMs / 3);
  const atMs = random.between(copiedMs + 1, (healMs * 2) / 3);
  const when = { atMs, untilMs: Math.min(atMs + random.pick([10, 200, 1000]), healMs - 1), site: random.pick(sites) };
  return [random.chance(0.7) ? { kind: 'restore', copiedMs, ...when } : { kind: 'wipe', ...when }];
}
