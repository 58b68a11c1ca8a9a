import { assert, integer, property } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { divideClaims, type Lane, type Turns } from '../../../src/domain/transfer/divide-claims.ts';
import { type ActivityShare, type StoreLimit, TransfersInHand } from '../../../src/domain/transfer/transfer-limits.ts';

const NOTHING: Turns = new Map();
let ids = 0;

/** Requests of one activity that became due one after the other. */
function lane(activity: string, count: number, more: Partial<Lane> = {}): Lane {
  const first = (ids += 1000);
  const due = Array.from({ length: count }, (_, at) => ({ id: first + at, dueMs: at }));
  return { id: first, source: undefined, store: 'far', activity, priority: 4, due, isCut: false, ...more };
}

function sharesOf(weights: Readonly<Record<string, number>>): readonly ActivityShare[] {
  return Object.entries(weights).map(([activity, weight]) => ({ activity, weight }));
}

function within(limits: readonly Partial<StoreLimit>[] = []): TransfersInHand {
  const none = { store: 'far', name: 'far', incomingMax: undefined, outgoingMax: undefined };
  return new TransfersInHand({ stores: limits.map((one) => ({ ...none, ...one })), pairs: [] }, []);
}

function countOf(chosen: readonly { readonly lane: Lane }[]): Record<string, number> {
  return Object.fromEntries(
    [...Map.groupBy(chosen, ({ lane: { activity } }) => activity)].map(([name, own]) => [name, own.length]),
  );
}

describe('claims', () => {
  const SHARES = { production: 70, reprocessing: 20, default: 10 };
  // What is queued, how many are taken, and how they are divided.
  test.each<[string, Record<string, number>, Record<string, number>, number, Record<string, number>]>([
    [
      'in proportion',
      SHARES,
      { production: 100, reprocessing: 100, other: 100 },
      10,
      { production: 7, reprocessing: 2, other: 1 },
    ],
    [
      'in proportion, of many',
      SHARES,
      { production: 500, reprocessing: 500, other: 500 },
      200,
      { production: 140, reprocessing: 40, other: 20 },
    ],
    [
      'among those that have something queued',
      SHARES,
      { reprocessing: 100, other: 100 },
      30,
      { reprocessing: 20, other: 10 },
    ],
    [
      'so that what one has no use for is the others’',
      SHARES,
      { production: 3, reprocessing: 100, other: 100 },
      33,
      { production: 3, reprocessing: 20, other: 10 },
    ],
    ['all to one that is alone', SHARES, { other: 100 }, 50, { other: 50 }],
    [
      'as one share for all that have none of their own',
      SHARES,
      { production: 100, x: 100, y: 0 },
      8,
      { production: 7, x: 1 },
    ],
    ['evenly by even weights', { a: 1, default: 1 }, { a: 10, b: 10 }, 10, { a: 5, b: 5 }],
    ['by weights far apart', { a: 1_000_000, default: 1 }, { a: 50, b: 50 }, 20, { a: 19, b: 1 }],
    ['up to what there is', SHARES, { production: 2, other: 2 }, 10, { production: 2, other: 2 }],
    ['to none where nothing is queued', SHARES, {}, 10, {}],
  ])('are divided %s', (_what, weights, queued, limit, expected) => {
    const lanes = Object.entries(queued).map(([activity, count]) => lane(activity, count));
    const { chosen } = divideClaims({ lanes, limit, inHand: within(), shares: sharesOf(weights), ahead: NOTHING });
    expect(countOf(chosen)).toEqual(expected);
  });

  test('that are taken one at a time are divided as those that are taken at once', () => {
    const queues = new Map(['production', 'reprocessing', 'other'].map((activity) => [activity, lane(activity, 50)]));
    let ahead = NOTHING;
    const order: { lane: Lane }[] = [];
    for (let at = 0; at < 40; at++) {
      const divided = divideClaims({
        lanes: [...queues.values()],
        limit: 1,
        inHand: within(),
        shares: sharesOf(SHARES),
        ahead,
      });
      ahead = divided.ahead;
      for (const { lane: from } of divided.chosen) {
        order.push({ lane: from });
        queues.set(from.activity, { ...from, due: from.due.slice(1) });
      }
    }
    expect(countOf(order)).toEqual({ production: 28, reprocessing: 8, other: 4 });
  });

  test('owe nothing to one that had nothing queued for a while', () => {
    const shares = sharesOf({ a: 1, default: 1 });
    const alone = divideClaims({ lanes: [lane('a', 100)], limit: 100, inHand: within(), shares, ahead: NOTHING });
    const both = [lane('a', 100), lane('b', 100)];
    const { chosen } = divideClaims({ lanes: both, limit: 10, inHand: within(), shares, ahead: alone.ahead });
    expect(Math.abs((countOf(chosen)['a'] ?? 0) - 5)).toBeLessThanOrEqual(1);
  });

  test('of one share go by priority, then by what has been due for longest', () => {
    const early = lane('a', 2, { priority: 5 });
    const urgent = lane('b', 2, { priority: 2 });
    const old = lane('c', 1, { priority: 5, due: [{ id: 1, dueMs: -10 }] });
    const { chosen } = divideClaims({
      lanes: [early, urgent, old],
      limit: 4,
      inHand: within(),
      shares: [],
      ahead: NOTHING,
    });
    expect(chosen.map(({ id }) => id)).toEqual([urgent.id, urgent.id + 1, 1, early.id]);
  });

  test('pass over what a limit holds back, and give its part to others meanwhile', () => {
    const lanes = [lane('a', 50), lane('b', 50, { store: 'near' })];
    const { chosen } = divideClaims({
      lanes,
      limit: 20,
      inHand: within([{ incomingMax: 3 }]),
      shares: sharesOf({ a: 9, default: 1 }),
      ahead: NOTHING,
    });
    expect(countOf(chosen)).toEqual({ a: 3, b: 17 });
  });

  test('end where what comes next was not looked at', () => {
    const cut = lane('a', 2, { priority: 1, isCut: true });
    const { chosen } = divideClaims({
      lanes: [cut, lane('a', 5)],
      limit: 7,
      inHand: within(),
      shares: [],
      ahead: NOTHING,
    });
    expect(chosen.map(({ id }) => id)).toEqual([cut.id, cut.id + 1]);
  });

  test('never exceed a limit, never leave room unused, and are each within one of their share', () => {
    const weight = integer({ min: 1, max: 20 });
    assert(
      property(weight, weight, integer({ min: 0, max: 60 }), integer({ min: 1, max: 40 }), (a, b, max, limit) => {
        const lanes = [lane('a', 100), lane('b', 100)];
        const { chosen } = divideClaims({
          lanes,
          limit,
          inHand: within([{ incomingMax: max }]),
          shares: sharesOf({ a, default: b }),
          ahead: NOTHING,
        });
        const all = Math.min(max, limit);
        expect(chosen).toHaveLength(all);
        const part = (all * a) / (a + b);
        expect(Math.abs((countOf(chosen)['a'] ?? 0) - part)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('transfers in hand', () => {
  const limits = {
    stores: [
      { store: 'far', name: 'Far', incomingMax: 3, outgoingMax: undefined },
      { store: 'near', name: 'Near', incomingMax: undefined, outgoingMax: 1 },
    ],
    pairs: [{ source: 'source', sourceName: 'Source', store: 'far', name: 'Far', max: 2 }],
  };
  // Under way, asked for, and the setting that is in the way.
  test.each<
    [string, readonly [string | undefined, string][], readonly [string | undefined, string], string | undefined]
  >([
    ['nothing', [], ['source', 'far'], undefined],
    [
      'another destination',
      [
        ['source', 'near'],
        ['source', 'near'],
        ['source', 'near'],
      ],
      ['source', 'far'],
      undefined,
    ],
    [
      'as many as a pair may have',
      [
        ['source', 'far'],
        ['source', 'far'],
      ],
      ['source', 'far'],
      'limits.incoming_from of Far',
    ],
    [
      'as many of a pair, and another source',
      [
        ['source', 'far'],
        ['source', 'far'],
      ],
      ['near', 'far'],
      undefined,
    ],
    ['as many as a source may give', [['near', 'other']], ['near', 'far'], 'limits.outgoing of Near'],
    [
      'some whose source is not chosen',
      [
        [undefined, 'far'],
        [undefined, 'far'],
        [undefined, 'far'],
      ],
      [undefined, 'far'],
      'limits.incoming of Far',
    ],
  ])('%s: say what is in the way', (_what, underWay, [source, store], setting) => {
    const inHand = new TransfersInHand(
      limits,
      underWay.map(([from, to]) => ({ source: from, store: to, count: 1 })),
    );
    const why = source === undefined ? inHand.whyNotTo(store) : inHand.whyNotFrom(source, store);
    if (setting === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(setting);
    expect(inHand.roomFor({ source, store }) > 0).toBe(setting === undefined);
  });
});
