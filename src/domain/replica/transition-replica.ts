import { lookUpTransition, refuse, type Transition, type TransitionTable } from '../transition.ts';
import type { ReplicaState } from './replica.ts';

/**
 * What can happen to a replica (docs/states.md, "Replicas").
 *
 * - `seen`: a listing shows it with the right size and time.
 * - `copy-began`: a worker holds a lease and is writing it.
 * - `copied`: its bytes are durable at the store and verified.
 * - `copy-given-up`: the attempts to copy it are used up.
 * - `copy-withdrawn`: nobody wants the copy any more that is being written.
 * - `confirmed`: read in full, and right.
 * - `found-wrong`: read in full under its recorded token, and wrong.
 * - `doubted`: another token, another length, or not flushed when its machine stopped; or a transfer found it unfit.
 * - `found-missing`: its store answers, and does not have it. `missing-at-source`: the same at the store whose bytes *are* the object.
 * - `became-unreachable`, `stayed-unreachable`: its store does not answer now; has not for long.
 * - `recognised`: its store shows it under its recorded token. Never said of a copy that has none: its attempts were given up.
 * - `delete-began`: a tombstone, or its release by the last rule, wants it gone.
 * - `deleted`: its store has deleted it.
 * - `spared`: it was released and is wanted again, or is needed as the last good copy. Never said of a deleted object (I5).
 */
export type ReplicaEvent =
  | 'seen'
  | 'copy-began'
  | 'copied'
  | 'copy-given-up'
  | 'copy-withdrawn'
  | 'confirmed'
  | 'found-wrong'
  | 'doubted'
  | 'found-missing'
  | 'missing-at-source'
  | 'became-unreachable'
  | 'stayed-unreachable'
  | 'recognised'
  | 'delete-began'
  | 'deleted'
  | 'spared';

const GOING = refuse('its bytes are on their way out');
const NOTHING = refuse('there is no replica');
const INVISIBLE = refuse(
  'nothing of a copy is visible before it is published, so what was looked at is something else',
);
const NOT_COPIED = refuse('it is not being copied');

const TABLE: TransitionTable<ReplicaState | 'ABSENT', ReplicaEvent> = {
  seen: { otherwise: 'unchanged', ABSENT: 'UNVERIFIED' },
  'copy-began': {
    otherwise: 'COPYING',
    AVAILABLE: refuse('it is there already'),
    TEMPORARY_UNAVAILABLE: refuse('it comes back with its store'),
    BEING_DELETED: GOING,
  },
  copied: { otherwise: 'AVAILABLE', BEING_DELETED: GOING },
  'copy-given-up': { otherwise: NOT_COPIED, COPYING: 'UNAVAILABLE', UNAVAILABLE: 'unchanged' },
  'copy-withdrawn': { otherwise: NOT_COPIED, COPYING: 'ABSENT', ABSENT: 'unchanged' },
  confirmed: { otherwise: 'AVAILABLE', BEING_DELETED: GOING },
  'found-wrong': { otherwise: 'BAD', ABSENT: NOTHING, COPYING: INVISIBLE, BEING_DELETED: GOING },
  doubted: { otherwise: 'SUSPICIOUS', ABSENT: NOTHING, COPYING: INVISIBLE, BEING_DELETED: GOING },
  'found-missing': { otherwise: 'ABSENT', COPYING: INVISIBLE },
  'missing-at-source': { otherwise: 'BAD', ABSENT: 'unchanged', COPYING: INVISIBLE, BEING_DELETED: 'ABSENT' },
  // A copy in doubt that cannot be reached stays in doubt: it must not come back as a good one (I2).
  'became-unreachable': { otherwise: 'unchanged', AVAILABLE: 'TEMPORARY_UNAVAILABLE' },
  'stayed-unreachable': { otherwise: 'unchanged', AVAILABLE: 'UNAVAILABLE', TEMPORARY_UNAVAILABLE: 'UNAVAILABLE' },
  recognised: {
    otherwise: 'unchanged',
    ABSENT: NOTHING,
    COPYING: INVISIBLE,
    TEMPORARY_UNAVAILABLE: 'AVAILABLE',
    UNAVAILABLE: 'AVAILABLE',
  },
  'delete-began': { otherwise: 'BEING_DELETED', ABSENT: 'unchanged' },
  deleted: { otherwise: refuse('nobody asked for its delete'), BEING_DELETED: 'ABSENT', ABSENT: 'unchanged' },
  // A worker may have asked the store before, and have stopped before it could tell.
  spared: { otherwise: 'unchanged', ABSENT: NOTHING, BEING_DELETED: 'SUSPICIOUS' },
};

/** What an event makes of a replica's state; undefined: there is none (before), or none any more (after). */
export function transitionReplica(
  state: ReplicaState | undefined,
  event: ReplicaEvent,
): Transition<ReplicaState | undefined> {
  const transition = lookUpTransition(TABLE, state ?? 'ABSENT', event);
  if (transition.kind === 'refused') return transition;
  const { kind, to } = transition;
  return { kind, to: to === 'ABSENT' ? undefined : to };
}
