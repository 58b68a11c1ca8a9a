import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ReplicaState } from '../../../src/domain/replica/replica.ts';
import type { AttemptFacts, AttemptOutcome } from '../../../src/domain/transfer/attempt.ts';
import { decideOutcome } from '../../../src/domain/transfer/decide-outcome.ts';
import type { WayFailure } from '../../../src/domain/transfer/next-way.ts';
import type { FailureKind } from '../../../src/domain/transfer/retry.ts';

const WAYS = [
  { source: 'a', protocol: 'https' },
  { source: 'a', protocol: 's3' },
  { source: 'b', protocol: 'https' },
];
const NOW_MS = 1_000_000;

/** The attempt by `way` has failed; `before` are the earlier ones. */
function failed(
  failure: Pick<WayFailure, 'at' | 'kind'>,
  { way = 0, before = [] }: { readonly way?: number; readonly before?: readonly WayFailure[] } = {},
): Partial<AttemptFacts> & { readonly failures: readonly WayFailure[] } {
  const made = { ...(WAYS[way] as (typeof WAYS)[number]), ...failure };
  const failures = [...before, made];
  return { outcome: { kind: 'failed', failure: made, why: 'it broke' }, failures, attempts: failures.length };
}

function decide(more: Partial<AttemptFacts>) {
  return decideOutcome({
    outcome: { kind: 'arrived' },
    request: 'SUBMITTED',
    replica: 'COPYING',
    attempts: 1,
    timesStuck: 0,
    ways: WAYS,
    failures: [],
    policy: { attemptsMax: 5, delayMs: 1_000 },
    nowMs: NOW_MS,
    fraction: 0.5,
    ...more,
  });
}

describe('an attempt that', () => {
  test('brought the bytes ends the request and satisfies the locks', () => {
    expect(decide({})).toMatchObject({
      request: { state: 'DONE' },
      replica: 'AVAILABLE',
      lock: { kind: 'satisfied' },
      isCopyUnwanted: false,
    });
  });

  test('is told twice counts once', () => {
    expect(decide({ request: 'DONE', replica: 'AVAILABLE' })).toEqual({ kind: 'repeated' });
    expect(decide({ ...failed({ at: 'between', kind: 'timeout' }), request: 'QUEUED' })).toEqual({ kind: 'repeated' });
  });

  test('fails on the way is followed at once by another way, in order', () => {
    const first = failed({ at: 'between', kind: 'timeout' });
    expect(decide(first)).toMatchObject({
      request: { state: 'QUEUED', attempts: 1, nextAttemptMs: NOW_MS, way: WAYS[1], why: 'it broke' },
      replica: 'COPYING',
      lock: undefined,
    });
    const second = failed({ at: 'between', kind: 'timeout' }, { way: 1, before: first.failures });
    expect(decide(second)).toMatchObject({ request: { nextAttemptMs: NOW_MS, way: WAYS[2] } });
  });

  test('fails when every way was tried waits before the first is tried again', () => {
    const timeout = { at: 'between', kind: 'timeout' } as const;
    const before = WAYS.slice(0, 2).map((way) => ({ ...way, ...timeout }));
    expect(decide(failed(timeout, { way: 2, before }))).toMatchObject({
      request: { state: 'QUEUED', nextAttemptMs: NOW_MS + 500, way: WAYS[0] },
    });
  });

  test('fails at the destination waits, because every way leads there', () => {
    expect(decide(failed({ at: 'destination', kind: 'unavailable' }))).toMatchObject({
      request: { state: 'QUEUED', nextAttemptMs: NOW_MS + 500, way: WAYS[1] },
    });
  });

  test('finds a source without the bytes asks it by its other protocol, then the next source, and has the first looked at', () => {
    const gone = { at: 'source', kind: 'not-found' } as const;
    expect(decide(failed(gone))).toMatchObject({
      request: { state: 'QUEUED', nextAttemptMs: NOW_MS, way: WAYS[1] },
      doubtedSource: undefined,
    });
    const before = WAYS.slice(0, 1).map((way) => ({ ...way, ...gone }));
    expect(decide(failed(gone, { way: 1, before }))).toMatchObject({
      request: { state: 'QUEUED', nextAttemptMs: NOW_MS, way: WAYS[2] },
      doubtedSource: 'a',
    });
  });

  test('is the last one has its source looked at, though another protocol of it was not tried', () => {
    const last = { ...failed({ at: 'source', kind: 'corrupt' }), attempts: 5 };
    expect(decide(last)).toMatchObject({ request: { state: 'FAILED' }, doubtedSource: 'a' });
  });

  test('is damaged on the way throws no doubt on the source', () => {
    expect(decide(failed({ at: 'destination', kind: 'corrupt' }))).toMatchObject({ doubtedSource: undefined });
  });

  test('may not use a protocol turns to the next one of the same source', () => {
    expect(decide(failed({ at: 'source', kind: 'denied' }))).toMatchObject({
      request: { way: WAYS[1] },
      doubtedSource: undefined,
    });
  });

  test('finds the destination full is not repeated: the locks are stuck, and say why and until when', () => {
    expect(decide(failed({ at: 'destination', kind: 'full' }))).toMatchObject({
      request: { state: 'FAILED', timesStuck: 1, nextAttemptMs: NOW_MS + 450_000 },
      replica: 'UNAVAILABLE',
      lock: {
        kind: 'got-stuck',
        reason: { kind: 'destination-full', detail: 'it broke' },
        retryMs: NOW_MS + 450_000,
      },
    });
  });

  test('was the last one makes the locks stuck, longer each time', () => {
    const last = { ...failed({ at: 'between', kind: 'timeout' }), attempts: 5 };
    expect(decide(last)).toMatchObject({ request: { state: 'FAILED' }, lock: { reason: { kind: 'sources-fail' } } });
    expect(decide({ ...last, timesStuck: 2 })).toMatchObject({
      request: { timesStuck: 3, nextAttemptMs: NOW_MS + 1_800_000 },
    });
  });

  test('leaves no source ends without one', () => {
    const before = WAYS.slice(0, 2).map((way) => ({ ...way, at: 'source', kind: 'corrupt' }) as const);
    const made = failed({ at: 'source', kind: 'not-found' }, { way: 2, before });
    expect(decide(made)).toMatchObject({
      request: { state: 'NO_SOURCES' },
      lock: { reason: { kind: 'no-source' } },
      doubtedSource: 'b',
    });
    expect(decide({ outcome: { kind: 'no-source', why: 'all are down' }, request: 'QUEUED' })).toMatchObject({
      request: { state: 'NO_SOURCES', why: 'all are down' },
    });
  });

  test('was stopped or held back is not counted', () => {
    expect(decide({ outcome: { kind: 'interrupted' }, attempts: 3 })).toMatchObject({
      request: { state: 'QUEUED', attempts: 2, nextAttemptMs: NOW_MS },
    });
    expect(decide({ outcome: { kind: 'held-back', why: 'its store has 4 at once' } })).toMatchObject({
      request: { state: 'WAITING', attempts: 0, nextAttemptMs: NOW_MS + 45_000 },
      lock: undefined,
    });
  });

  test('nobody needs any more leaves nothing behind', () => {
    expect(decide({ outcome: { kind: 'not-needed', why: 'the object has changed since' } })).toMatchObject({
      request: { state: 'CANCELLED' },
      replica: undefined,
    });
  });

  test('arrives after its replica was condemned, or its request cancelled, has its bytes removed', () => {
    const condemned = decide({ replica: 'BEING_DELETED' });
    expect(condemned).toMatchObject({
      request: { state: 'CANCELLED' },
      replica: 'BEING_DELETED',
      isCopyUnwanted: true,
    });
    expect(decide({ request: 'CANCELLED', replica: undefined })).toMatchObject({ isCopyUnwanted: true });
  });

  test('arrives where other hands made the copy good removes nothing', () => {
    expect(decide({ request: 'CANCELLED', replica: 'AVAILABLE' })).toEqual({
      kind: 'refused',
      why: 'it was cancelled',
    });
  });

  test('fails after the copy came by another way is as good as done', () => {
    expect(decide({ ...failed({ at: 'destination', kind: 'full' }), replica: 'AVAILABLE' })).toMatchObject({
      request: { state: 'DONE' },
      replica: 'AVAILABLE',
      lock: { kind: 'satisfied' },
    });
  });

  test('is given up leaves alone what was learnt of the replica meanwhile', () => {
    expect(decide({ ...failed({ at: 'destination', kind: 'full' }), replica: 'BAD' })).toMatchObject({
      replica: 'BAD',
    });
  });
});

const KINDS: readonly FailureKind[] = [
  'not-found',
  'precondition-failed',
  'blocked',
  'throttled',
  'denied',
  'unavailable',
  'timeout',
  'corrupt',
  'changed',
  'full',
  'read-only',
  'invalid-key',
  'unsupported',
  'aborted',
];

describe('whatever happens', () => {
  test('request, replica and locks agree, and what is not over has its next time', () => {
    const anOutcome: fc.Arbitrary<AttemptOutcome> = fc.oneof(
      fc.constantFrom<AttemptOutcome>({ kind: 'arrived' }, { kind: 'interrupted' }),
      fc
        .constantFrom('no-source' as const, 'held-back' as const, 'not-needed' as const)
        .map((kind) => ({ kind, why: 'x' })),
      fc
        .record({
          way: fc.constantFrom(...WAYS),
          at: fc.constantFrom('source' as const, 'between' as const, 'destination' as const),
          kind: fc.constantFrom(...KINDS),
        })
        .map(({ way, at, kind }): AttemptOutcome => ({ kind: 'failed', failure: { ...way, at, kind }, why: 'x' })),
    );
    const aReplica = fc.constantFrom<ReplicaState | undefined>(
      undefined,
      'COPYING',
      'AVAILABLE',
      'BAD',
      'BEING_DELETED',
    );
    const attempts = fc.integer({ min: 1, max: 6 });
    fc.assert(
      fc.property(
        anOutcome,
        aReplica,
        attempts,
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (outcome, replica, attempts, fraction) => {
          const failures = outcome.kind === 'failed' ? [outcome.failure] : [];
          const decision = decide({ outcome, replica, attempts, failures, fraction });
          if (decision.kind !== 'decided') throw new Error(`a claimed request is always decided: ${decision.kind}`);
          const { request, lock } = decision;
          if ('nextAttemptMs' in request) expect(request.nextAttemptMs).toBeGreaterThanOrEqual(NOW_MS);
          expect(lock?.kind === 'satisfied').toBe(request.state === 'DONE');
          expect(lock?.kind === 'got-stuck').toBe(request.state === 'FAILED' || request.state === 'NO_SOURCES');
          if (lock?.kind === 'got-stuck' && 'nextAttemptMs' in request)
            expect(lock.retryMs).toBe(request.nextAttemptMs);
          if (request.state === 'DONE') expect(decision.replica).toBe('AVAILABLE');
          if (replica === 'BEING_DELETED') expect(decision.replica).toBe('BEING_DELETED');
        },
      ),
    );
  });

  test('a request that fails each time ends after its attempts, having waited', () => {
    fc.assert(
      fc.property(
        fc.infiniteStream(fc.tuple(fc.constantFrom(...KINDS), fc.constantFrom('source', 'between', 'destination'))),
        (stream) => {
          let failures: readonly WayFailure[] = [];
          let way = WAYS[0] as (typeof WAYS)[number];
          for (let attempts = 1; ; attempts++) {
            expect(attempts).toBeLessThanOrEqual(5);
            const [kind, at] = stream.next().value as readonly [FailureKind, WayFailure['at']];
            const failure = { ...way, at, kind };
            failures = [...failures, failure];
            const decision = decide({ outcome: { kind: 'failed', failure, why: 'x' }, failures, attempts });
            if (decision.kind !== 'decided') throw new Error(decision.kind);
            if (decision.request.state !== 'QUEUED') {
              expect(decision.lock?.kind).toBe('got-stuck');
              return;
            }
            way = decision.request.way as (typeof WAYS)[number];
          }
        },
      ),
    );
  });
});
