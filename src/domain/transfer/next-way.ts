import { type FailureKind, isRetryable } from './retry.ts';

/** From where, and by which of the protocols the two stores have in common. */
export interface Way {
  readonly source: string;
  readonly protocol: string;
}

/** A failed attempt. `at`: whose fault it was, where that is known; `between`: not known, or the network's. */
export interface WayFailure extends Way {
  readonly at: 'source' | 'between' | 'destination';
  readonly kind: FailureKind;
}

export interface NextWay {
  readonly way: Way;
  readonly timesFailed: number;
}

/** At a source: what it shows is not what is wanted. By another protocol it may be: one that shows another directory, or damages. */
const UNFIT: ReadonlySet<FailureKind> = new Set(['not-found', 'precondition-failed', 'changed', 'corrupt']);
/** At a destination: no other source and no other protocol helps. */
const FUTILE: ReadonlySet<FailureKind> = new Set(['full', 'read-only', 'invalid-key']);
/** Not retryable as such, but by a transfer that begins anew; and bytes damaged on the way may arrive whole the next time. */
const HOPEFUL_ANEW: ReadonlySet<FailureKind> = new Set([
  'precondition-failed',
  'blocked',
  'changed',
  'aborted',
  'corrupt',
]);

/**
 * The way of the next attempt: the one that failed least often, of those the best (docs/states.md, "Attempts"). So all ways are
 * tried before one is tried again. Undefined: none is worth an attempt.
 */
export function chooseNextWay(ways: readonly Way[], failures: readonly WayFailure[]): NextWay | undefined {
  let next: NextWay | undefined;
  for (const way of ways) {
    if (failures.some((failure) => excludes(failure, way))) continue;
    const timesFailed = failures.filter((failure) => isSameWay(failure, way)).length;
    if (next === undefined || timesFailed < next.timesFailed) next = { way, timesFailed };
  }
  return next;
}

/** The source does not have what the catalog says: it is to be looked at. */
export function showsUnfitSource({ at, kind }: Pick<WayFailure, 'at' | 'kind'>): boolean {
  return at === 'source' && UNFIT.has(kind);
}

/** Whatever the way, the destination takes nothing. */
export function isFutile({ at, kind }: Pick<WayFailure, 'at' | 'kind'>): boolean {
  return at === 'destination' && FUTILE.has(kind);
}

function excludes(failure: WayFailure, way: Way): boolean {
  if (failure.source !== way.source) return isFutile(failure);
  if (isFutile(failure)) return true;
  const isHopeful = isRetryable(failure.kind) || HOPEFUL_ANEW.has(failure.kind);
  return isSameWay(failure, way) && (!isHopeful || showsUnfitSource(failure));
}

function isSameWay(a: Way, b: Way): boolean {
  return a.source === b.source && a.protocol === b.protocol;
}
