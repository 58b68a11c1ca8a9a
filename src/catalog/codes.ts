import { REPLICA_STATES, type ReplicaState } from '../domain/replica/replica.ts';
import { type ReplicaEvent, transitionReplica } from '../domain/replica/transition-replica.ts';
import type { LockState } from '../domain/rule/lock.ts';
import type { Verification } from '../domain/store/verification.ts';

/** Words that are stored as numbers, like `REPLICA_STATES`. The order is part of the schema: append only. */
const LOCK_STATES: readonly LockState[] = ['OK', 'REPLICATING', 'STUCK'];

/**
 * Whose a replica is, by `replica.placed`. Null: a profile's or a source's, which rules may lock and never release. Placed by a
 * rule or an upload; released by its last lock; released, to go at once; on its way out.
 */
export const PLACED = 1;
export const RELEASED = 2;
export const TO_PURGE = 3;
export const LEAVING = 4;

/** What a row of `rule_target` names. */
export const TARGET_OBJECT = 1;
export const TARGET_COLLECTION = 2;
export const TARGET_PATTERN = 3;

/** `collection.kind`. */
export const DATASET = 1;

const VERIFICATIONS: readonly Verification[] = ['none', 'written', 'store', 'read-back'];

export const OBJECT = 0;
export const TOMBSTONE = 1;

/** Kinds of journal entries besides those of versions. */
export const PUT_COLLECTION = 2;
export const ATTACH = 3;
export const DETACH = 4;
export const PURGE_SCOPE = 5;

/** `outbox.state`: it waits; the peer has taken it up and fetches the bytes; refused; given up for good. */
export const WAITING = 0;
export const HANDED = 1;
export const DEAD = 2;
export const WITHHELD = 3;

/**
 * `peer.resync`: what it lacks is in its queue; it is to be compared, and all that changes is queued; its queue was given up, and nothing is
 * queued until the comparison begins.
 */
export const IN_LINE = 0;
export const TO_COMPARE = 1;
export const GIVEN_UP = 2;

const stateCodes = new Map<ReplicaState, number>(REPLICA_STATES.map((state, code) => [state, code]));
const lockCodes = new Map(LOCK_STATES.map((state, code) => [state, code]));
const verificationCodes = new Map(VERIFICATIONS.map((verification, code) => [verification, code]));

export function stateCode(state: ReplicaState): number {
  return codeOf(stateCodes, state);
}

/** What an event makes of all replicas in this state, for statements over whole sets of them. */
export function stateCodeAfter(state: ReplicaState, event: ReplicaEvent): number {
  const transition = transitionReplica(state, event);
  if (transition.kind === 'refused' || transition.to === undefined)
    throw new TypeError(`${event} leaves no ${state} replica`);
  return stateCode(transition.to);
}

export function stateName(code: number): ReplicaState {
  return nameOf(REPLICA_STATES, code);
}

export function lockCode(state: LockState): number {
  return codeOf(lockCodes, state);
}

export function lockName(code: number): LockState {
  return nameOf(LOCK_STATES, code);
}

export function verificationCode(verification: Verification): number {
  return codeOf(verificationCodes, verification);
}

export function verificationName(code: number): Verification {
  return nameOf(VERIFICATIONS, code);
}

function codeOf<Word>(codes: ReadonlyMap<Word, number>, word: Word): number {
  const code = codes.get(word);
  if (code === undefined) throw new TypeError(`not a word of the catalog: ${String(word)}`);
  return code;
}

function nameOf<Word>(words: readonly Word[], code: number): Word {
  const word = words[code];
  if (word === undefined) throw new TypeError(`not a code of the catalog: ${code}`);
  return word;
}
