import type { ListingFailure } from '../../ports/storage.ts';
import type { Telling } from '../../ports/telling.ts';
import { escapeKey } from '../../domain/object/key.ts';
import { type Verification, weakerVerification } from '../../domain/store/verification.ts';
import {
  FAILURES_KEPT,
  type SyncFailure,
  type SyncListeners,
  type SyncTarget,
  type SyncTargetResult,
} from './sync-types.ts';

/** Counters of one target; they only grow. */
export class TargetTally {
  readonly target: SyncTarget;
  added = 0;
  updated = 0;
  deleted = 0;
  unchanged = 0;
  failed = 0;
  unmatched = 0;
  /** Of these: not deleted because nobody can say that the source has them not. */
  heldBack = 0;
  /** Objects its listing showed. */
  listed = 0;
  bytes = 0;
  verification: Verification | undefined;
  gaveUp: string | undefined;

  constructor(target: SyncTarget) {
    this.target = target;
  }

  copied(bytes: number, wasThere: boolean, verification: Verification): void {
    if (wasThere) this.updated++;
    else this.added++;
    this.bytes += bytes;
    this.verification =
      this.verification === undefined ? verification : weakerVerification(this.verification, verification);
  }

  result(): SyncTargetResult {
    const { target, ...counts } = this;
    return { title: target.title, place: target.storage.place, ...counts };
  }
}

interface Failure {
  readonly kind: string;
  readonly message: string;
}

/** All that a run counts. */
export class Tally {
  readonly targets: readonly TargetTally[];
  readonly failures: SyncFailure[] = [];
  readonly source = { objects: 0, bytes: 0, registered: 0, changed: 0, hidden: 0, excluded: 0, markers: 0, failed: 0 };
  done = 0;
  bytesPlanned = 0;
  bytesCopied = 0;
  failed = 0;
  complete = false;
  /** Bytes of pages that have not ended, by page. */
  readonly #moved = new Map<object, number>();
  readonly telling: Telling;
  readonly #listeners: SyncListeners;

  constructor(targets: readonly SyncTarget[], listeners: SyncListeners, telling: Telling) {
    this.targets = targets.map((target) => new TargetTally(target));
    this.#listeners = listeners;
    this.telling = telling;
  }

  target(index: number): TargetTally {
    return this.targets[index] as TargetTally;
  }

  /** One object at one target, or (target undefined) at the source. */
  fail(key: string, target: number | undefined, failure: Failure): void {
    this.#fail(escapeKey(key), target, failure);
  }

  /** What a listing could not show; its name is printable already. */
  failListed(target: number | undefined, failure: ListingFailure): void {
    this.#fail(failure.shown, target, failure);
  }

  #fail(key: string, target: number | undefined, failure: Failure): void {
    this.failed++;
    if (target === undefined) this.source.failed++;
    else this.target(target).failed++;
    const title = target === undefined ? undefined : this.target(target).target.title;
    const told = { key, target: title, kind: failure.kind, message: failure.message };
    if (this.failures.length < FAILURES_KEPT) this.failures.push(told);
    this.#listeners.onFailure?.(told);
  }

  giveUp(target: number, failure: Failure): void {
    if (this.target(target).gaveUp !== undefined) return;
    this.target(target).gaveUp = failure.message;
    this.telling.info?.('target given up', { target: this.target(target).target.title, why: failure.message });
    this.fail('', target, failure);
  }

  isOut(target: number): boolean {
    return this.target(target).gaveUp !== undefined;
  }

  /** Of a page so far; pages of small objects say nothing before their end. */
  pageMoved(page: object, bytes: number): void {
    this.#moved.set(page, bytes);
    this.report('copying');
  }

  /** From here on what the page copied is in `bytesCopied`, and what it did not counts no more. */
  pageEnded(page: object): void {
    this.#moved.delete(page);
  }

  report(phase: 'copying' | 'deleting'): void {
    const { done, bytesPlanned, bytesCopied, failed, complete } = this;
    this.#listeners.onProgress?.({
      phase,
      listed: this.source.objects,
      done,
      bytesPlanned,
      bytesCopied,
      bytesUnderWay: this.#moved.values().reduce((sum, bytes) => sum + bytes, 0),
      failed,
      complete,
    });
  }
}
