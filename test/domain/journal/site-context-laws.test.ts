import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consider,
  covers,
  includes,
  mergeSiteContexts,
  NOTHING_CONSIDERED,
  type SiteContext,
} from '../../../src/domain/journal/site-context.ts';
import type { Dot } from '../../../src/domain/object/dot.ts';

const COUNTER_MAX = 8;
const dot = fc.record({ actor: fc.constantFrom('a', 'b'), counter: fc.integer({ min: 1, max: COUNTER_MAX }) });
const dots = fc.array(dot, { maxLength: 20 });
const every: readonly Dot[] = ['a', 'b'].flatMap((actor) =>
  Array.from({ length: COUNTER_MAX + 1 }, (_, at) => ({ actor, counter: at + 1 })),
);

/** What a context says, as the plain set of dots it stands for. */
function asSet(context: SiteContext): Set<string> {
  return new Set(every.filter((one) => covers(context, one)).map(nameOf));
}

function nameOf({ actor, counter }: Dot): string {
  return `${actor}:${counter}`;
}

function setOf(...lists: readonly (readonly Dot[])[]): Set<string> {
  return new Set(lists.flat().map(nameOf));
}

function contextOf(...lists: readonly (readonly Dot[])[]): SiteContext {
  return lists.reduce((context, list) => consider(context, list), NOTHING_CONSIDERED);
}

describe('what a site has considered', () => {
  it('is the set of the dots it was told, in whatever order and parts', () => {
    fc.assert(
      fc.property(dots, dots, (first, second) => {
        expect(asSet(contextOf(first, second))).toEqual(setOf(first, second));
        expect(contextOf(first, second)).toEqual(contextOf(second, first));
        expect(contextOf(first, first)).toEqual(contextOf(first));
      }),
    );
  });

  it('of two sites together is the union, whoever is asked first', () => {
    fc.assert(
      fc.property(dots, dots, dots, (a, b, c) => {
        const [x, y, z] = [contextOf(a), contextOf(b), contextOf(c)];
        expect(asSet(mergeSiteContexts(x, y))).toEqual(setOf(a, b));
        expect(mergeSiteContexts(x, y)).toEqual(mergeSiteContexts(y, x));
        expect(mergeSiteContexts(mergeSiteContexts(x, y), z)).toEqual(mergeSiteContexts(x, mergeSiteContexts(y, z)));
        expect(mergeSiteContexts(x, x)).toEqual(x);
      }),
    );
  });

  it('includes what another one has if its set does', () => {
    fc.assert(
      fc.property(dots, dots, (a, b) => {
        expect(includes(contextOf(a), contextOf(b))).toBe(setOf(b).isSubsetOf(setOf(a)));
        expect(includes(contextOf(a, b), contextOf(b))).toBe(true);
      }),
    );
  });

  it('has no exception that is not one', () => {
    fc.assert(
      fc.property(dots, dots, (a, b) => {
        for (const { upTo, beyond } of Object.values(mergeSiteContexts(contextOf(a), contextOf(b)))) {
          expect(beyond).toEqual([...new Set(beyond)].sort((x, y) => x - y));
          expect(beyond.every((counter) => counter > upTo + 1)).toBe(true);
        }
      }),
    );
  });
});
