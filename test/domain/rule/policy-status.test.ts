import { describe, expect, test } from 'vitest';
import { type PolicyStatusFacts, viewPolicyStatus } from '../../../src/domain/rule/policy-status.ts';

describe('a policy sees', () => {
  test.each<[string, PolicyStatusFacts['replica'], PolicyStatusFacts['lock'], PolicyStatusFacts['request']]>([
    ['COMPLETED', 'AVAILABLE', 'OK', undefined],
    ['COMPLETED', 'AVAILABLE', 'OK', 'DONE'],
    ['COMPLETED', 'AVAILABLE', undefined, undefined],
    ['COMPLETED', 'TEMPORARY_UNAVAILABLE', 'OK', undefined],
    ['INVALIDATED', 'BAD', 'REPLICATING', 'QUEUED'],
    ['INVALIDATED', 'BAD', 'STUCK', 'NO_SOURCES'],
    ['INVALIDATED', 'SUSPICIOUS', 'REPLICATING', undefined],
    ['REQUESTED', 'COPYING', 'REPLICATING', 'SUBMITTED'],
    ['REQUESTED', 'COPYING', 'REPLICATING', undefined],
    ['REQUESTED', 'COPYING', undefined, undefined],
    ['QUEUED', 'COPYING', 'REPLICATING', 'QUEUED'],
    ['QUEUED', 'COPYING', 'REPLICATING', 'WAITING'],
    ['QUEUED', undefined, 'REPLICATING', 'QUEUED'],
    ['QUEUED', undefined, 'REPLICATING', undefined],
    ['QUEUED', undefined, 'REPLICATING', 'CANCELLED'],
    ['QUEUED', 'UNVERIFIED', 'REPLICATING', undefined],
    ['QUEUED', 'BEING_DELETED', 'REPLICATING', 'WAITING'],
    ['FAILED', 'UNAVAILABLE', 'STUCK', 'FAILED'],
    ['FAILED', 'UNAVAILABLE', 'STUCK', 'NO_SOURCES'],
    ['FAILED', 'UNAVAILABLE', 'STUCK', undefined],
    ['FAILED', 'UNAVAILABLE', undefined, undefined],
    ['nothing', 'UNVERIFIED', undefined, undefined],
    ['nothing', 'BEING_DELETED', undefined, undefined],
    ['nothing', undefined, undefined, 'CANCELLED'],
    ['nothing', undefined, undefined, undefined],
  ])('%s for a replica that is %s, its lock %s, its request %s', (seen, replica, lock, request) => {
    expect(viewPolicyStatus({ replica, lock, request }) ?? 'nothing').toBe(seen);
  });
});
