import { refuse, type Transition } from '../transition.ts';
import type { StuckReason } from './stuck-reason.ts';

export type LockState = Lock['state'];

/**
 * One rule's claim on one replica (docs/states.md, "Locks").
 *
 * - `OK`: the store has the object's current version.
 * - `REPLICATING`: it is on its way, or waits for its turn.
 * - `STUCK`: it could not be brought there. Tried again at `retryMs`, or sooner when what it waits for changes.
 */
export type Lock = {
  /** Time spent `STUCK` in earlier turns. It only grows, however often the lock is tried again. */
  readonly stuckMs: number;
} & (
  | { readonly state: 'OK' | 'REPLICATING' }
  | { readonly state: 'STUCK'; readonly reason: StuckReason; readonly sinceMs: number; readonly retryMs: number }
);

/**
 * - `satisfied`: the replica is there, by whatever way it came.
 * - `replica-lost`: it was there, and is not any more or cannot be trusted.
 * - `version-superseded`: the object has a newer version; the lock claims that one now.
 * - `got-stuck`: every attempt is used up.
 * - `hastened`: what it is stuck on may have changed.
 * - `retried`: its request is queued again.
 */
export type LockEvent =
  | { readonly kind: 'satisfied' | 'replica-lost' | 'version-superseded' | 'retried' }
  | { readonly kind: 'got-stuck'; readonly reason: StuckReason; readonly retryMs: number }
  | { readonly kind: 'hastened'; readonly retryMs: number };

export function transitionLock(lock: Lock, event: LockEvent, nowMs: number): Transition<Lock> {
  const unchanged: Transition<Lock> = { kind: 'unchanged', to: lock };
  switch (event.kind) {
    case 'satisfied':
      return lock.state === 'OK' ? unchanged : moveTo('OK', lock, nowMs);
    case 'replica-lost':
      return lock.state === 'OK' ? moveTo('REPLICATING', lock, nowMs) : unchanged;
    case 'version-superseded':
      return lock.state === 'REPLICATING' ? unchanged : moveTo('REPLICATING', lock, nowMs);
    case 'retried':
      if (lock.state === 'OK') return refuse('its replica is there: nothing is to be tried again');
      return lock.state === 'STUCK' ? moveTo('REPLICATING', lock, nowMs) : unchanged;
    case 'got-stuck':
      if (lock.state === 'OK') return refuse('its replica is there: that an attempt failed says nothing about it');
      // Told twice, the first stands: a repeat must not put off the next try.
      return lock.state === 'STUCK' ? unchanged : { kind: 'moved', to: becomeStuck(lock, event, nowMs) };
    case 'hastened':
      if (lock.state !== 'STUCK' || lock.retryMs <= event.retryMs) return unchanged;
      return { kind: 'moved', to: { ...lock, retryMs: event.retryMs } };
  }
}

/** Time spent `STUCK` up to now, this turn too. */
export function stuckMsOf(lock: Lock, nowMs: number): number {
  return lock.state === 'STUCK' ? lock.stuckMs + Math.max(0, nowMs - lock.sinceMs) : lock.stuckMs;
}

function moveTo(state: 'OK' | 'REPLICATING', lock: Lock, nowMs: number): Transition<Lock> {
  return { kind: 'moved', to: { state, stuckMs: stuckMsOf(lock, nowMs) } };
}

function becomeStuck(
  { stuckMs }: Lock,
  { reason, retryMs }: { readonly reason: StuckReason; readonly retryMs: number },
  nowMs: number,
): Lock {
  return { state: 'STUCK', stuckMs, reason, sinceMs: nowMs, retryMs };
}
