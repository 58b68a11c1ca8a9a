import { escapeKey } from '../domain/object/key.ts';
import type { ObjectName } from '../domain/object/object-name.ts';
import { StorageError, type StorageErrorKind } from '../ports/storage.ts';

/**
 * Why a verb on an object did not do what was asked.
 *
 * - `not-found`: the source or a tombstone says so, never a store that was merely unreachable (I9).
 * - `unavailable`: nobody who has it answers now; later it may work.
 * - `corrupt`: what came is not the object; some of it may have been delivered before this was known, none of it can be trusted.
 * - `changed`: the version that was asked for, or being read, is not the current one any more and nobody else has it.
 * - `condition`: `ifAbsent` or `ifVersion` does not hold.
 * - `conflict`: versions of it did not see each other, and who writes has to say which they know of (docs/sites.md, "Conflicts").
 * - `refused`: an operation id that is expired, or was used for something else; a collection is in the way of a write, or a file
 *   where a directory must be and the like.
 * - `backlog`: too much waits for another site that is to have what is written; once it has taken some of it, writing works again.
 * - `outcome-unknown`: a write that a store neither confirmed nor denied; it is settled later, and told by the operation's id.
 */
export type ObjectErrorKind =
  | 'not-found'
  | 'unavailable'
  | 'denied'
  | 'corrupt'
  | 'changed'
  | 'condition'
  | 'conflict'
  | 'refused'
  | 'outcome-unknown'
  | 'invalid-name'
  | 'full'
  | 'backlog'
  | 'aborted'
  | 'failed';

/** One store that was asked, and why it did not serve. */
export interface Attempt {
  readonly store: string;
  readonly kind: StorageErrorKind;
  readonly why: string;
}

export class ObjectError extends Error {
  override readonly name = 'ObjectError';
  readonly kind: ObjectErrorKind;
  readonly object: string;
  /** Every store that was asked or passed over, in order; empty where none was. */
  readonly attempts: readonly Attempt[];

  constructor(
    kind: ObjectErrorKind,
    object: ObjectName,
    why: string,
    more: { readonly attempts?: readonly Attempt[]; readonly cause?: unknown } = {},
  ) {
    super(`${showObject(object)}: ${why}`, more.cause === undefined ? undefined : { cause: more.cause });
    this.kind = kind;
    this.object = showObject(object);
    this.attempts = more.attempts ?? [];
  }
}

function showObject({ scope, name }: ObjectName): string {
  return `${scope}:${escapeKey(name)}`;
}

/** Every source failed: one error that names each of them and why. */
export function noSourceServed(object: ObjectName, attempts: readonly Attempt[]): ObjectError {
  const kind = kindOfAttempts(attempts);
  const list = attempts.map(({ store, why }) => `\n  ${store}: ${why}`).join('');
  return new ObjectError(kind, object, `${HEADLINE[kind] ?? 'no store served it'}${list}`, { attempts });
}

const HEADLINE: Partial<Record<ObjectErrorKind, string>> = {
  'not-found': 'not found',
  unavailable: 'unavailable: no store that has it answered',
  corrupt: 'corrupt: no store has intact bytes',
  changed: 'it is not as it was recorded, or changed while it was read',
  denied: 'access denied',
};

/** All say missing: not found. Nobody has it and somebody could not be asked: unavailable. Else the gravest answer. */
function kindOfAttempts(attempts: readonly Attempt[]): ObjectErrorKind {
  const kinds = new Set(attempts.map(({ kind }) => kindOfStorage(kind)));
  if (kinds.size === 0) return 'unavailable';
  for (const kind of ['aborted', 'unavailable', 'corrupt', 'changed', 'denied', 'failed'] as const)
    if (kinds.has(kind)) return kind;
  return 'not-found';
}

/** What a store's refusal means for who asked for an object. */
function kindOfStorage(kind: StorageErrorKind): ObjectErrorKind {
  switch (kind) {
    case 'not-found':
    case 'denied':
    case 'corrupt':
    case 'full':
    case 'aborted':
      return kind;
    case 'throttled':
    case 'unavailable':
    case 'timeout':
      return 'unavailable';
    case 'precondition-failed':
    case 'changed':
      return 'changed';
    case 'invalid-key':
      return 'invalid-name';
    case 'blocked':
      return 'refused';
    case 'read-only':
    case 'unsupported':
      return 'failed';
  }
}

/** A store's refusal as the caller's error; anything else is passed on as it is. */
export function toObjectError(object: ObjectName, error: unknown): unknown {
  if (!(error instanceof StorageError)) return error;
  return new ObjectError(kindOfStorage(error.kind), object, error.message, {
    attempts: [attemptOf(error)],
    cause: error,
  });
}

export function attemptOf(error: StorageError): Attempt {
  return { store: error.store, kind: error.kind, why: error.message };
}
