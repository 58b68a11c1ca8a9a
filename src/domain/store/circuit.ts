/**
 * A store's circuit: whether reads should still begin with it (docs/reading.md, "When a store hangs").
 *
 *     closed ──(failures weigh FAILURE_WEIGHT_MAX)──> open ──(its pause is over)──> half-open
 *       ^                                              ^                                │
 *       └────────────(the probe is answered)───────────┼────────────────────────────────┤
 *                                                      └────(the probe fails: twice the pause)
 *
 * - `closed`: asked in its place of the read order. Failures add up, one answer clears them.
 * - `open`: asked last. Its pause is over by itself; nothing has to happen for that.
 * - half-open is `open` past its pause: one read asks the store in its place (`probe-began` gives it a new pause, so that the
 *   reads beside it do not wait too), and its outcome decides.
 *
 * An answer of any kind, also "not found" or "denied", is an answer.
 */
export type Circuit =
  | { readonly kind: 'closed'; readonly failureWeight: number }
  | { readonly kind: 'open'; readonly untilMs: number; readonly pauseMs: number; readonly probing: boolean };

export type CircuitEvent = 'answered' | 'failed' | 'hung' | 'probe-began';

/** `last`: ask it after all others. `probe`: ask it in its place, and tell that the probe began. */
export type CircuitAdvice = 'in-place' | 'probe' | 'last';

export const CLOSED: Circuit = { kind: 'closed', failureWeight: 0 };

/** Three quick failures in a row, or one that cost a whole deadline. */
const FAILURE_WEIGHT_MAX = 3;
/** Long enough that a read in a busy loop does not notice the probes, short enough that a restarted store is found soon. */
const PAUSE_MS_MIN = 10_000;
const PAUSE_MS_MAX = 300_000;

export function adviseOn(circuit: Circuit, nowMs: number): CircuitAdvice {
  if (circuit.kind === 'closed') return 'in-place';
  return nowMs < circuit.untilMs ? 'last' : 'probe';
}

export function transitionCircuit(circuit: Circuit, event: CircuitEvent, nowMs: number): Circuit {
  switch (event) {
    case 'answered':
      return CLOSED;
    case 'probe-began':
      return circuit.kind === 'open' ? { ...circuit, untilMs: nowMs + circuit.pauseMs, probing: true } : circuit;
    case 'failed':
      return weigh(circuit, 1, nowMs);
    case 'hung':
      return weigh(circuit, FAILURE_WEIGHT_MAX, nowMs);
  }
}

function weigh(circuit: Circuit, weight: number, nowMs: number): Circuit {
  if (circuit.kind === 'open') {
    // Reads that began before it opened and fail only now say nothing new.
    if (!circuit.probing) return circuit;
    const pauseMs = Math.min(circuit.pauseMs * 2, PAUSE_MS_MAX);
    return { kind: 'open', untilMs: nowMs + pauseMs, pauseMs, probing: false };
  }
  const failureWeight = circuit.failureWeight + weight;
  if (failureWeight < FAILURE_WEIGHT_MAX) return { kind: 'closed', failureWeight };
  return { kind: 'open', untilMs: nowMs + PAUSE_MS_MIN, pauseMs: PAUSE_MS_MIN, probing: false };
}
