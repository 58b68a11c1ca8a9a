import type { ObjectWords, StoreWords } from './policy-forms.ts';

/** What holds when the workers have nothing left to do. */
export interface PolicyEnd {
  /** Stores with a copy besides the authoritative one; so many of them where chance decides. */
  readonly at: readonly string[] | number;
  /** Of the rule that carries the policy out; undefined: there is none. */
  readonly rule: 'OK' | 'STUCK' | undefined;
  /** What `explain` says the rule lacks. */
  readonly why?: string;
  /** By store, why it is no candidate for what has no place; `OBJECT` is the object. Not all need be named. */
  readonly rejected?: Readonly<Record<string, string>>;
}

export interface PolicyStage extends PolicyEnd {
  /** Set before; undefined: nobody says any. */
  readonly policy?: ObjectWords;
}

/** An object of 20 bytes, `text/csv`, is authoritative at `data` and put before the first stage. */
export interface PolicyCase {
  readonly title: string;
  readonly bytes?: number;
  /** Besides `data`; three volunteers otherwise. */
  readonly stores?: Readonly<Record<string, StoreWords>>;
  /** Of the default policy, which is off otherwise. */
  readonly defaultBelow?: number;
  readonly stages: readonly PolicyStage[];
}

const OPEN: StoreWords = { replicate: true };
/** `a` is as told, `b` and `c` volunteer for anything. */
const withA = (a: StoreWords): Readonly<Record<string, StoreWords>> => ({ a, b: OPEN, c: OPEN });
const ALL = ['a', 'b', 'c'];
const NONE = { at: [], rule: undefined } as const;
const NO_VOLUNTEER = 'it does not volunteer for copies by policy';

const numbers: readonly PolicyCase[] = [
  { title: 'number 0', stages: [{ policy: { number: 0 }, ...NONE }] },
  { title: 'number 1', stages: [{ policy: { number: 1 }, at: 1, rule: 'OK' }] },
  { title: 'number 2', stages: [{ policy: { number: 2 }, at: 2, rule: 'OK' }] },
  { title: 'no number is 3', stages: [{ policy: {}, at: ALL, rule: 'OK' }] },
  {
    title: 'a number above that of the stores',
    stages: [
      {
        policy: { number: 5 },
        at: ALL,
        rule: 'STUCK',
        why: '2 of 5 copies have no place (authoritative itself: data)',
        rejected: { data: 'it is authoritative, and copies are counted besides that one' },
      },
    ],
  },
  { title: 'not allowed, whatever the number', stages: [{ policy: { allowed: false, number: 2 }, ...NONE }] },
];

const nodes: readonly PolicyCase[] = [
  { title: 'one preferred', stages: [{ policy: { number: 1, preferred: ['c'] }, at: ['c'], rule: 'OK' }] },
  {
    title: 'two preferred, by alias and by site',
    stages: [{ policy: { number: 2, preferred: ['urn:node:A', 'site-of-b'] }, at: ['a', 'b'], rule: 'OK' }],
  },
  {
    title: 'preferred, which does not volunteer',
    stores: withA({}),
    stages: [{ policy: { number: 2, preferred: ['a'] }, at: ['b', 'c'], rule: 'OK' }],
  },
  {
    title: 'one blocked',
    stages: [
      {
        policy: { number: 3, blocked: ['urn:node:B'] },
        at: ['a', 'c'],
        rule: 'STUCK',
        why: '1 of 3 copies has no place (blocked: b; authoritative itself: data)',
        rejected: { b: 'it is blocked' },
      },
    ],
  },
  {
    title: 'one preferred and blocked: blocked wins',
    stages: [
      {
        policy: { number: 3, preferred: ['b'], blocked: ['b'] },
        at: ['a', 'c'],
        rule: 'STUCK',
        why: '1 of 3 copies has no place (blocked: b; authoritative itself: data)',
        rejected: { b: 'it is blocked' },
      },
    ],
  },
  {
    title: 'preferred by one name and blocked by another',
    stages: [{ policy: { number: 1, preferred: ['b'], blocked: ['urn:node:B', 'c'] }, at: ['a'], rule: 'OK' }],
  },
];

const defaults: readonly PolicyCase[] = [
  { title: 'absent, below the threshold', bytes: 19, defaultBelow: 20, stages: [{ at: 2, rule: 'OK' }] },
  { title: 'absent, at the threshold', bytes: 20, defaultBelow: 20, stages: [NONE] },
  {
    title: 'absent, above the threshold; a policy that is there holds whatever the size',
    bytes: 21,
    defaultBelow: 20,
    stages: [NONE, { policy: { number: 1 }, at: 1, rule: 'OK' }],
  },
  { title: 'absent, with the default policy off', stages: [NONE] },
];

const changes: readonly PolicyCase[] = [
  {
    title: 'raised and lowered',
    stages: [
      { policy: { number: 1, preferred: ['b'] }, at: ['b'], rule: 'OK' },
      { policy: { number: 2, preferred: ['b', 'c'] }, at: ['b', 'c'], rule: 'OK' },
      { policy: { number: 3 }, at: ALL, rule: 'OK' },
      { policy: { number: 1 }, at: 1, rule: 'OK' },
      { policy: { number: 0 }, ...NONE },
      { policy: { number: 2 }, at: 2, rule: 'OK' },
    ],
  },
  {
    title: 'newly blocked, with another store to go to',
    stages: [
      { policy: { number: 2, preferred: ['a', 'b'] }, at: ['a', 'b'], rule: 'OK' },
      { policy: { number: 2, preferred: ['a', 'b'], blocked: ['a'] }, at: ['b', 'c'], rule: 'OK' },
    ],
  },
  {
    title: 'newly blocked, with nowhere else to go',
    stages: [
      { policy: { number: 3 }, at: ALL, rule: 'OK' },
      {
        policy: { number: 3, blocked: ['a'] },
        at: ['b', 'c'],
        rule: 'STUCK',
        why: '1 of 3 copies has no place (blocked: a; authoritative itself: data)',
      },
    ],
  },
];

const tooLarge = 'it takes objects of up to 20 bytes, and OBJECT has 21';
const noSpace = '20 of the 20 bytes it gives to copies are left, and OBJECT has 21';
const oneRefuses = (reason: string): PolicyStage => ({
  policy: { number: 3 },
  at: ['b', 'c'],
  rule: 'STUCK',
  why: '1 of 3 copies has no place (authoritative itself: data; not accepting it: a)',
  rejected: { a: reason },
});

const acceptance: readonly PolicyCase[] = [
  {
    title: 'replicate absent, and false',
    stores: { a: {}, b: { replicate: false }, c: OPEN },
    stages: [
      {
        policy: { number: 2 },
        at: ['c'],
        rule: 'STUCK',
        why: '1 of 2 copies has no place (authoritative itself: data; not accepting it: a, b)',
        rejected: { a: NO_VOLUNTEER, b: NO_VOLUNTEER },
      },
    ],
  },
  ...[19, 20].flatMap((bytes): PolicyCase[] => [
    {
      title: `${bytes} bytes, where objects of 20 are taken`,
      bytes,
      stores: withA({ ...OPEN, maxObjectSize: 20 }),
      stages: [{ policy: { number: 3 }, at: ALL, rule: 'OK' }],
    },
    {
      title: `${bytes} bytes, where there is space for 20`,
      bytes,
      stores: withA({ ...OPEN, spaceAllocated: 20 }),
      stages: [{ policy: { number: 3 }, at: ALL, rule: 'OK' }],
    },
  ]),
  {
    title: '21 bytes, where objects of 20 are taken',
    bytes: 21,
    stores: withA({ ...OPEN, maxObjectSize: 20 }),
    stages: [oneRefuses(tooLarge)],
  },
  {
    title: '21 bytes, where there is space for 20',
    bytes: 21,
    stores: withA({ ...OPEN, spaceAllocated: 20 }),
    stages: [oneRefuses(noSpace)],
  },
];

const NODES: Readonly<Record<string, readonly string[] | undefined>> = {
  absent: undefined,
  empty: [],
  listed: ['urn:node:DATA', 'elsewhere'],
  missing: ['elsewhere'],
};
const FORMATS: Readonly<Record<string, readonly string[] | undefined>> = {
  absent: undefined,
  empty: [],
  listed: ['eml://ecoinformatics.org/eml-2.1.1', 'text/csv'],
  missing: ['FGDC-STD-001.1-1999'],
};
const pairs = Object.keys(NODES).flatMap((node) => Object.keys(FORMATS).map((format) => ({ node, format })));
const takes = pairs.filter(({ node, format }) => node !== 'missing' && format !== 'missing');

/** All of them at once: there is one store for each pair. */
const nodesAndFormats: PolicyCase = {
  title: 'allowed nodes and formats: absent, empty, with and without those of the object',
  stores: Object.fromEntries(
    pairs.map(({ node, format }): [string, StoreWords] => [
      `${node}-${format}`,
      { ...OPEN, ...part('allowedNode', NODES[node]), ...part('allowedObjectFormat', FORMATS[format]) },
    ]),
  ),
  stages: [
    {
      policy: { number: 16 },
      at: takes.map(({ node, format }) => `${node}-${format}`),
      rule: 'STUCK',
      rejected: Object.fromEntries(
        pairs
          .filter((pair) => !takes.includes(pair))
          .map(({ node, format }) => [
            `${node}-${format}`,
            format === 'missing'
              ? 'it takes FGDC-STD-001.1-1999 only, and OBJECT is text/csv'
              : 'it takes copies from elsewhere only, and OBJECT is authoritative at data',
          ]),
      ),
    },
  ],
};

function part(key: keyof StoreWords, value: readonly string[] | undefined): StoreWords {
  return value === undefined ? {} : { [key]: value };
}

export const POLICY_CASES: readonly PolicyCase[] = [
  ...numbers,
  ...nodes,
  ...defaults,
  ...changes,
  ...acceptance,
  nodesAndFormats,
];

/** What a store says no more by the time the bytes arrive, and why it refuses them then. */
export const ADMISSION_CASES: readonly (readonly [title: string, words: StoreWords, why: string])[] = [
  ['volunteers no more', { replicate: false }, NO_VOLUNTEER],
  [
    'takes no object of this size any more',
    { ...OPEN, maxObjectSize: 19 },
    'it takes objects of up to 19 bytes, and OBJECT has 20',
  ],
  [
    'takes other formats by now',
    { ...OPEN, allowedObjectFormat: ['other'] },
    'it takes other only, and OBJECT is text/csv',
  ],
  [
    'takes copies from elsewhere by now',
    { ...OPEN, allowedNode: ['elsewhere'] },
    'it takes copies from elsewhere only, and OBJECT would come from data',
  ],
  [
    'has less space by now',
    { ...OPEN, spaceAllocated: 19 },
    '19 of the 19 bytes it gives to copies are left, and OBJECT has 20',
  ],
];
