import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { join, type Joined, losersOf, wins } from '../../../src/domain/journal/join.ts';
import { type Context, contextAfter, hasSeen, mergeContexts } from '../../../src/domain/object/dot.ts';

/** What three sites do to one object: each writes, deletes, or takes what another one has. */
type Step =
  | { readonly kind: 'write'; readonly site: number; readonly isTombstone: boolean; readonly ms: number }
  | { readonly kind: 'take'; readonly site: number; readonly from: number };

const site = fc.integer({ min: 0, max: 2 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('write' as const),
    site,
    isTombstone: fc.boolean(),
    // Few, so that times meet.
    ms: fc.integer({ min: 1, max: 4 }),
  }),
  fc.record({ kind: fc.constant('take' as const), site, from: site }),
);
const history = fc.array(step, { maxLength: 14 }).map(play);

/** All versions that such a history makes. */
function play(steps: readonly Step[]): readonly Joined[] {
  const made: Joined[] = [];
  const sites: Joined[][] = [[], [], []];
  for (const one of steps) {
    if (one.kind === 'take') {
      for (const version of sites[one.from] as Joined[]) sites[one.site] = taken(sites[one.site] as Joined[], version);
      continue;
    }
    const actor = `actor ${one.site}`;
    const context = (sites[one.site] as Joined[]).reduce<Context>(
      (seen, version) => mergeContexts(seen, contextAfter(version)),
      {},
    );
    const counter = made.filter(({ dot }) => dot.actor === actor).length + 1;
    const name = `${actor} ${counter}`;
    const version: Joined = {
      dot: { actor, counter },
      context,
      time: { ms: one.ms, n: 0 },
      origin: `site ${one.site}`,
      operation: name,
      // Two may say the same.
      identity: one.isTombstone ? 'tombstone' : `content ${one.ms % 3} ${counter % 2}`,
      isTombstone: one.isTombstone,
    };
    made.push(version);
    sites[one.site] = [version];
  }
  return made;
}

function taken(present: readonly Joined[], version: Joined): Joined[] {
  const joined = join(present, version);
  if (joined.kind === 'alarm') throw new Error('no dot was used twice');
  return joined.kind === 'joined' ? [...joined.versions] : [...present];
}

function takenAll(versions: readonly Joined[]): Joined[] {
  return versions.reduce<Joined[]>(taken, []);
}

const shuffledHistory = history.chain((versions) =>
  fc.tuple(
    fc.constant(versions),
    fc.shuffledSubarray([...versions], { minLength: versions.length }),
    fc.array(fc.nat(), { maxLength: 10 }),
  ),
);

describe('joining the versions of an object', () => {
  it('gives the same versions in whatever order they come, and however often', () => {
    fc.assert(
      fc.property(shuffledHistory, ([versions, shuffled, again]) => {
        const repeated = again.flatMap((at) => shuffled[at % Math.max(1, shuffled.length)] ?? []);
        expect(takenAll([...shuffled, ...repeated])).toEqual(takenAll(versions));
      }),
    );
  });

  it('gives the same whether two sites had joined theirs before', () => {
    fc.assert(
      fc.property(shuffledHistory, fc.nat(), ([versions, shuffled], cut) => {
        const at = versions.length === 0 ? 0 : cut % versions.length;
        const [one, other] = [takenAll(shuffled.slice(0, at)), takenAll(shuffled.slice(at))];
        expect(other.reduce<Joined[]>(taken, one)).toEqual(takenAll(versions));
        expect(one.reduce<Joined[]>(taken, other)).toEqual(takenAll(versions));
      }),
    );
  });

  it('keeps what nobody has seen, and nothing that somebody has', () => {
    fc.assert(
      fc.property(history, (versions) => {
        const last = versions.filter(({ dot }) => !versions.some((other) => hasSeen(other.context, dot)));
        expect(new Set(takenAll(versions))).toEqual(new Set(last));
      }),
    );
  });

  it('finds the same conflicts in whatever order they came: of what differs from what is served, all, and equal ones together', () => {
    fc.assert(
      fc.property(shuffledHistory, ([versions, shuffled]) => {
        const conflictsOf = (all: readonly Joined[]) => {
          const [served, ...siblings] = takenAll(all);
          return served === undefined ? [] : losersOf(served, siblings);
        };
        const found = conflictsOf(shuffled);
        expect(found).toEqual(conflictsOf(versions));
        const [served, ...siblings] = takenAll(versions);
        const lost = siblings.filter((one) => !one.isTombstone && one.identity !== served?.identity);
        expect(new Set(found.flat())).toEqual(new Set(served?.isTombstone === true ? [] : lost));
        for (const same of found) expect(new Set(same.map(({ identity }) => identity)).size).toBe(1);
      }),
    );
  });

  it('serves a put that did not see a delete', () => {
    fc.assert(
      fc.property(history, (versions) => {
        const [served, ...siblings] = takenAll(versions);
        if (served?.isTombstone === true) expect(siblings.every(({ isTombstone }) => isTombstone)).toBe(true);
      }),
    );
  });

  it('puts any two versions in one order', () => {
    fc.assert(
      fc.property(history, (versions) => {
        for (const a of versions) {
          for (const b of versions) {
            if (a !== b) expect(wins(a, b)).toBe(!wins(b, a));
            for (const c of versions) if (wins(a, b) && wins(b, c)) expect(wins(a, c)).toBe(true);
          }
        }
      }),
    );
  });
});
