import { describe, expect, it } from 'vitest';
import { AcknowledgedStays } from './checkers/acknowledged-stays.ts';
import { ConsideredIsSeen } from './checkers/considered-is-seen.ts';
import { checkConvergence, type FinalSite } from './checkers/convergence.ts';
import { checkDeliveries, checkReached } from './checkers/deliveries.ts';
import { NothingComesBack } from './checkers/nothing-comes-back.ts';
import { ReadsGoForward } from './checkers/reads-go-forward.ts';
import { checkReplicated, type HeldThere } from './checkers/replicated-is-held.ts';
import { WritesAreOnce } from './checkers/writes-are-once.ts';
import type { Checker, Seen, VersionFact } from './facts.ts';

const OBJECT = 's/x';
const A1 = version('a', 1);
const A2 = version('a', 2, { context: { a: 1 } });
const B1 = version('b', 1);
const GONE = version('a', 3, { context: { a: 2 }, isTombstone: true });

/** A checker, a history it has nothing to say about, and how it goes on to be wrong. */
const histories: readonly [string, () => Checker, readonly Seen[], Seen][] = [
  ['an acknowledged write is gone', () => new AcknowledgedStays(), [has(A1), done(A1), has(A2), has(A2, B1)], has(B1)],
  ['a write was acknowledged and not made', () => new AcknowledgedStays(), [has(B1)], done(A1)],
  ['what was followed is there again', () => new NothingComesBack(), [has(A1), has(A2)], has(A1, A2)],
  ['what was deleted is there again', () => new NothingComesBack(), [has(A2), has(GONE)], has(A2)],
  ['a sibling is forgotten', () => new NothingComesBack(), [has(A1, B1)], has(A1)],
  ['a reader is given something older', () => new ReadsGoForward(), [...read(1, A2), began(2)], gave(2, A1)],
  [
    'a reader is given something older than was acknowledged',
    () => new ReadsGoForward(),
    [done(A2), began(1)],
    gave(1, A1),
  ],
  [
    'an object was never heard of, and was shown',
    () => new ReadsGoForward(),
    [...read(1, A1), began(2)],
    gave(2, undefined),
  ],
  [
    'bytes are those of another version',
    () => new ReadsGoForward(),
    [began(1)],
    { ...gave(1, A1), sha256: 'other' } as Seen,
  ],
  [
    'something is considered that nobody had',
    () => new ConsideredIsSeen(),
    [made(A1), had(B1)],
    considered({ a: 1, b: 1 }),
  ],
  ['something is considered no more', () => new ConsideredIsSeen(), [had(A1), considered({ a: 1 })], considered({})],
  [
    'a repeat makes a version',
    () => new WritesAreOnce(),
    [had(A1, true)],
    had({ ...B1, operation: A1.operation }, true),
  ],
  ['a repeat is refused', () => new WritesAreOnce(), [had(A1)], refused(A1)],
  ['a condition did not hold', () => new WritesAreOnce(), [had(A1, true), had(A2, true)], done(A2, 'absent')],
  [
    'a condition held for another version',
    () => new WritesAreOnce(),
    [had(A1, true), had(A2, true)],
    done(A2, B1.operation),
  ],
];

describe('a checker complains when', () => {
  it.each(histories)('%s', (_what, open, fair, wrong) => {
    const checker = open();
    expect(fair.map((seen) => checker.see(seen)).filter((said) => said !== undefined)).toEqual([]);
    expect(checker.see(wrong)).toBeTypeOf('string');
  });

  it('a read that had begun before is given what was shown meanwhile: this is fair', () => {
    const checker = new ReadsGoForward();
    const fair = [began(1), ...read(2, A2), gave(1, A1)];
    expect(fair.map((seen) => checker.see(seen)).filter((said) => said !== undefined)).toEqual([]);
  });
});

describe('sites have not converged when', () => {
  const good: FinalSite = {
    site: 'A',
    objects: new Map([[OBJECT, [B1, A2]]]),
    considered: { a: { upTo: 2, beyond: [] }, b: { upTo: 1, beyond: [] } },
    bytes: new Map([[OBJECT, B1.sha256]]),
    peers: [{ name: 'B', queued: 2, acknowledged: 2 }],
    leftovers: [],
  };
  const complaints = (site: FinalSite): string[] =>
    checkConvergence({
      sites: [site],
      made: new Map([
        ['A', [A1, A2]],
        ['B', [B1]],
      ]),
      heard: new Map([['A', new Set(['A', 'B'])]]),
      told: new Map([['A', new Set(['A', 'B'])]]),
    });

  it('nothing of it is so', () => {
    expect(complaints(good)).toEqual([]);
  });

  it.each<[string, Partial<FinalSite>]>([
    ['another version is served', { objects: new Map([[OBJECT, [A2, B1]]]), bytes: new Map([[OBJECT, A2.sha256]]) }],
    ['a sibling is missing', { objects: new Map([[OBJECT, [B1]]]) }],
    ['an object is missing', { objects: new Map() }],
    [
      'an object is there that nobody made',
      { objects: new Map([...good.objects, ['s/y', [version('c', 1, { isTombstone: true })]]]) },
    ],
    ['a change was not considered', { considered: { a: { upTo: 2, beyond: [] } } }],
    ['bytes are wrong', { bytes: new Map([[OBJECT, 'other']]) }],
    ['lines are left', { leftovers: ['a line waits'] }],
    ['lines were lost', { peers: [{ name: 'B', queued: 2, acknowledged: 1 }] }],
  ])('%s', (_what, change) => {
    expect(complaints({ ...good, ...change })).toHaveLength(1);
  });
});

describe('deliveries are too many when', () => {
  const line = { from: 'a', to: 'b', id: 'a:1', withBytes: true };

  it('a link carries the same bytes twice', () => {
    expect(checkDeliveries([line, { ...line, withBytes: false }], { oncePerSite: false })).toEqual([]);
    expect(checkDeliveries([line, line], { oncePerSite: false })).toHaveLength(1);
  });

  it('two links bring a site the same bytes', () => {
    const other = { ...line, from: 'c' };
    expect(checkDeliveries([line, other], { oncePerSite: false })).toEqual([]);
    expect(checkDeliveries([line, other], { oncePerSite: true })).toHaveLength(1);
  });

  it('and too few when a site was sent none', () => {
    expect(checkReached([line], [{ id: 'a:1', sites: ['b'] }])).toEqual([]);
    expect(checkReached([line], [{ id: 'a:1', sites: ['b', 'c'] }])).toHaveLength(1);
  });
});

function version(actor: string, counter: number, options: Partial<VersionFact> = {}): VersionFact {
  const id = `${actor}:${counter}`;
  const time = { ms: actor === 'b' ? 9 : counter, n: 0 };
  const bytes = { isTombstone: false, size: 1, sha256: `hash of ${id}` };
  return {
    id,
    actor,
    counter,
    object: OBJECT,
    context: {},
    ...time,
    origin: actor,
    operation: `operation ${id}`,
    ...bytes,
    ...options,
  };
}

function has(...versions: VersionFact[]): Seen {
  return { kind: 'versions', site: 'A', object: OBJECT, versions };
}

function had(one: VersionFact, isOwn = false): Seen {
  return { kind: 'had', site: 'A', version: one, isOwn };
}

/** At another site. */
function made(one: VersionFact): Seen {
  return { kind: 'had', site: 'B', version: one, isOwn: true };
}

function done(one: VersionFact, condition?: string): Seen {
  return { kind: 'acknowledged', site: 'A', object: OBJECT, versions: [one], operation: one.operation, condition };
}

function refused({ operation }: VersionFact): Seen {
  return { kind: 'refused', site: 'A', object: OBJECT, operation, reason: 'condition' };
}

function considered(upTo: Readonly<Record<string, number>>): Seen {
  const context = Object.fromEntries(
    Object.entries(upTo).map(([actor, counter]) => [actor, { upTo: counter, beyond: [] }]),
  );
  return { kind: 'considered', site: 'A', context };
}

function began(reader: number): Seen {
  return { kind: 'read-began', site: 'A', object: OBJECT, reader };
}

function gave(reader: number, one: VersionFact | undefined): Seen {
  return { kind: 'read', site: 'A', object: OBJECT, reader, version: one, sha256: one?.sha256 };
}

function read(reader: number, one: VersionFact): Seen[] {
  return [began(reader), gave(reader, one)];
}

describe('a writer who was told that peers have his bytes', () => {
  const told = { site: 'a', object: OBJECT, versions: [A1], among: ['b', 'c'], needed: 1 };
  const there = (versions: readonly VersionFact[], withBytes = versions): HeldThere => ({
    versions,
    withBytes: new Set(withBytes.map(({ id }) => id)),
  });
  const nothing = there([]);

  it.each<[string, HeldThere, HeldThere, boolean]>([
    ['nobody has it', nothing, nothing, false],
    ['one has it', nothing, there([A1]), true],
    ['one has it without bytes', nothing, there([A1], []), false],
    ['one has what followed it', there([A2]), nothing, true],
    ['one has its delete, which has no bytes', there([GONE], []), nothing, true],
    ['one has something else', there([B1]), nothing, false],
  ])('where %s', (_what, b, c, isRight) => {
    const complaint = checkReplicated(told, (peer) => (peer === 'b' ? b : c));
    expect(complaint === undefined).toBe(isRight);
    expect(checkReplicated({ ...told, needed: 2 }, () => b) === undefined).toBe(b !== nothing && b.versions[0] !== B1);
  });
});
