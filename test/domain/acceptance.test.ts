import { describe, expect, test } from 'vitest';
import { DEFAULT_ACCEPTANCE, decideAcceptance } from '../../src/domain/store/acceptance.ts';
import type { AcceptanceFacts, AcceptancePolicy } from '../../src/domain/store/acceptance.ts';
import { isAmong } from '../../src/domain/store/store-names.ts';
import { names } from './placement-cases.ts';

const volunteer: AcceptancePolicy = { ...DEFAULT_ACCEPTANCE, replicate: true };
const knb = names('knb', { aliases: ['urn:node:KNB'], site: 'santa-barbara' });

const byPolicy: AcceptanceFacts = {
  object: 'data:a.csv',
  bytes: 100,
  format: 'text/csv',
  origin: { kind: 'authoritative', names: knb },
  isByPolicy: true,
  usage: { completedBytes: 0, inFlightBytes: 0 },
};

function decide(policy: Partial<AcceptancePolicy>, facts: Partial<AcceptanceFacts> = {}) {
  return decideAcceptance({ ...volunteer, ...policy }, { ...byPolicy, ...facts });
}

const accepted = { kind: 'accepted' };

describe('a store', () => {
  test('that says nothing takes the copies of rules and none of policies', () => {
    expect(decideAcceptance(DEFAULT_ACCEPTANCE, { ...byPolicy, isByPolicy: false })).toEqual(accepted);
    expect(decideAcceptance(DEFAULT_ACCEPTANCE, byPolicy)).toEqual({
      kind: 'refused',
      reason: 'not-volunteering',
      why: 'it does not volunteer for copies by policy',
    });
  });

  test.each([
    [99, 'too-large'],
    [100, undefined],
    [101, undefined],
    [0, 'too-large'],
    [undefined, undefined],
  ])('with a largest object of %s bytes refuses 100 bytes with %s', (maxObjectBytes, reason) => {
    expect(reasonOf(decide(maxObjectBytes === undefined ? {} : { maxObjectBytes }))).toBe(reason);
  });

  test.each([
    [1000, 900, 0, undefined],
    [1000, 0, 900, undefined],
    [1000, 500, 400, undefined],
    [1000, 500, 401, 'space'],
    [1000, 901, 0, 'space'],
    [1000, 2000, 0, 'space'],
    [0, 0, 0, 'space'],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 100, 0, undefined],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 99, 0, 'space'],
  ])(
    'that gives %s bytes, of which %s are used and %s on their way, refuses 100 bytes with %s',
    (spaceAllocatedBytes, completedBytes, inFlightBytes, reason) => {
      expect(reasonOf(decide({ spaceAllocatedBytes }, { usage: { completedBytes, inFlightBytes } }))).toBe(reason);
    },
  );

  test.each([
    [[], undefined],
    [['knb'], undefined],
    [['urn:node:KNB'], undefined],
    [['santa-barbara'], undefined],
    [['urn:node:ESA', 'urn:node:KNB'], undefined],
    [['KNB'], 'node'],
    [['urn:node:ESA'], 'node'],
  ])('that takes copies from %j refuses one from knb with %s', (allowedNodes, reason) => {
    expect(reasonOf(decide({ allowedNodes }))).toBe(reason);
    expect(reasonOf(decide({ allowedNodes }, { origin: { kind: 'source', names: knb } }))).toBe(reason);
  });

  test.each([
    [[], undefined],
    [['text/csv'], undefined],
    [['eml://ecoinformatics.org/eml-2.1.1', 'text/csv'], undefined],
    [['TEXT/CSV'], 'format'],
    [['text'], 'format'],
  ])('that takes the formats %j refuses text/csv with %s', (allowedFormats, reason) => {
    expect(reasonOf(decide({ allowedFormats }))).toBe(reason);
  });

  test('that lists its nodes refuses an object whose origin nobody knows', () => {
    const origin = { kind: 'authoritative', names: undefined } as const;
    expect(reasonOf(decide({ allowedNodes: [] }, { origin }))).toBe(undefined);
    expect(decide({ allowedNodes: ['knb'] }, { origin })).toMatchObject({
      why: 'it takes copies from knb only, and data:a.csv is authoritative nowhere',
    });
  });

  test.each([
    [{ maxObjectBytes: 9 }, 'it takes objects of up to 9 bytes, and data:a.csv has 100'],
    [{ spaceAllocatedBytes: 9 }, '9 of the 9 bytes it gives to copies are left, and data:a.csv has 100'],
    [{ allowedFormats: ['a', 'b', 'c', 'd', 'e'] }, 'it takes a, b, c and 2 more only, and data:a.csv is text/csv'],
    [{ allowedNodes: ['esa'] }, 'it takes copies from esa only, and data:a.csv is authoritative at knb'],
  ])('with %j says why it refuses', (policy, why) => {
    expect(decide(policy)).toMatchObject({ kind: 'refused', why });
  });

  test('refuses at admission by the source the bytes come from', () => {
    const decision = decide({ allowedNodes: ['esa'] }, { origin: { kind: 'source', names: knb } });
    expect(decision).toMatchObject({ why: 'it takes copies from esa only, and data:a.csv would come from knb' });
  });

  test('tells what does not mend itself before a lack of space', () => {
    const policy = { spaceAllocatedBytes: 0, allowedFormats: ['x'] };
    expect(reasonOf(decide(policy))).toBe('format');
  });
});

test('a node is a store by its name, an alias or its site, letter by letter', () => {
  const nodes = ['knb', 'urn:node:KNB', 'santa-barbara'];
  expect(nodes.map((node) => isAmong(knb, [node]))).toEqual([true, true, true]);
  expect(['KNB', 'urn:node:knb', 'undefined', ''].map((node) => isAmong(names('knb'), [node]))).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

function reasonOf(decision: ReturnType<typeof decide>): string | undefined {
  return decision.kind === 'refused' ? decision.reason : undefined;
}
