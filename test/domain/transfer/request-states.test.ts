import { describe, expect, test } from 'vitest';
import {
  type RequestEvent,
  type RequestState,
  transitionRequest,
} from '../../../src/domain/transfer/request-states.ts';

const STATES: readonly RequestState[] = ['QUEUED', 'SUBMITTED', 'WAITING', 'DONE', 'FAILED', 'NO_SOURCES', 'CANCELLED'];
const CODES: Readonly<Record<RequestState, string>> = {
  QUEUED: 'Q',
  SUBMITTED: 'S',
  WAITING: 'W',
  DONE: 'D',
  FAILED: 'F',
  NO_SOURCES: 'N',
  CANCELLED: 'C',
};

describe('a request', () => {
  // Columns: QUEUED SUBMITTED WAITING DONE FAILED NO_SOURCES CANCELLED. `=`: unchanged. `x`: refused.
  test.each<[RequestEvent, string]>([
    ['claimed', 'S = x x x x x'],
    ['arrived', 'D D D = D D x'],
    ['attempt-failed', '= Q x x x x x'],
    ['interrupted', '= Q x x x x x'],
    ['attempts-used-up', 'x F x x = x x'],
    ['sources-used-up', 'N N N x x = x'],
    ['held-back', 'W W = x x x x'],
    ['let-go', '= = Q x x x x'],
    ['asked-again', '= = = Q Q Q Q'],
    ['cancelled', 'C C C x C C ='],
  ])('that was %s becomes, from each state: %s', (event, after) => {
    const cells = STATES.map((state) => {
      const transition = transitionRequest(state, event);
      if (transition.kind === 'refused') return 'x';
      return transition.kind === 'unchanged' ? '=' : CODES[transition.to];
    });
    expect(cells.join(' ')).toBe(after);
  });

  test('that was cancelled does not become done by what arrives late', () => {
    expect(transitionRequest('CANCELLED', 'arrived')).toEqual({ kind: 'refused', why: 'it was cancelled' });
  });
});
