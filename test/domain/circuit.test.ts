import { describe, expect, test } from 'vitest';
import {
  adviseOn,
  type Circuit,
  type CircuitEvent,
  CLOSED,
  transitionCircuit,
} from '../../src/domain/store/circuit.ts';

function after(events: readonly (readonly [atMs: number, event: CircuitEvent])[]): Circuit {
  return events.reduce<Circuit>((circuit, [atMs, event]) => transitionCircuit(circuit, event, atMs), CLOSED);
}

describe('a store', () => {
  test('that hung once is asked last', () => {
    expect(adviseOn(after([[0, 'hung']]), 1)).toBe('last');
  });

  test('that failed quickly is asked last after three times, and one answer clears them', () => {
    expect(
      adviseOn(
        after([
          [0, 'failed'],
          [0, 'failed'],
        ]),
        1,
      ),
    ).toBe('in-place');
    expect(
      adviseOn(
        after([
          [0, 'failed'],
          [0, 'failed'],
          [0, 'failed'],
        ]),
        1,
      ),
    ).toBe('last');
    expect(
      adviseOn(
        after([
          [0, 'failed'],
          [0, 'failed'],
          [0, 'answered'],
          [0, 'failed'],
        ]),
        1,
      ),
    ).toBe('in-place');
  });

  test('is probed by one read after its pause, while the others still ask it last', () => {
    const open = after([[0, 'hung']]);
    expect(adviseOn(open, 10_000)).toBe('probe');
    expect(adviseOn(transitionCircuit(open, 'probe-began', 10_000), 10_001)).toBe('last');
  });

  test('whose probe fails pauses twice as long, up to five minutes; one whose probe is answered is back', () => {
    let circuit = after([[0, 'hung']]);
    let nowMs = 0;
    const pauses: number[] = [];
    for (let probe = 0; probe < 8; probe++) {
      if (circuit.kind !== 'open') throw new Error('closed');
      pauses.push(circuit.pauseMs);
      nowMs = circuit.untilMs;
      circuit = transitionCircuit(transitionCircuit(circuit, 'probe-began', nowMs), 'hung', nowMs + 1_000);
    }
    expect(pauses).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000]);
    expect(adviseOn(transitionCircuit(circuit, 'answered', nowMs), nowMs)).toBe('in-place');
  });

  test('with a hundred reads waiting when it hangs pauses no longer for that', () => {
    expect(after(Array.from({ length: 100 }, () => [0, 'hung'] as const))).toEqual(after([[0, 'hung']]));
  });
});
