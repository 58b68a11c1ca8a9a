import type { Verification } from '../../domain/store/verification.ts';
import type { CopyFailure, CopyItem, CopyOutcome, CopyTarget, CopyTargetOutcome } from '../../ports/copy-pool.ts';
import { type Head, type Mark, type Published, type Staged, StorageError, type Token } from '../../ports/storage.ts';

type SourceRead = NonNullable<CopyOutcome['source']>;

type DraftState =
  | { readonly kind: 'open' }
  | { readonly kind: 'staged'; readonly staged: Staged }
  | { readonly kind: 'settled'; readonly outcome: CopyTargetOutcome };

/** One target of one item on its way: open → staged → settled, or settled at once. */
export class DraftTarget {
  readonly plan: CopyTarget;
  state: DraftState = { kind: 'open' };

  constructor(plan: CopyTarget) {
    this.plan = plan;
  }

  get isOpen(): boolean {
    return this.state.kind === 'open';
  }

  stage(staged: Staged): void {
    this.state = { kind: 'staged', staged };
  }

  copied({ token, verification }: Published, isLate: boolean): void {
    this.#settle({ target: this.plan.target, kind: 'copied', token, verification, isLate });
  }

  same(token: Token, verification: Verification): void {
    this.#settle({ target: this.plan.target, kind: 'same', token, verification });
  }

  fail({ kind, message, at }: CopyFailure): void {
    const failure = { kind, message, ...(at === undefined ? {} : { at }) };
    this.#settle({ target: this.plan.target, kind: 'failed', failure });
  }

  sourceFailed({ kind, message }: CopyFailure): void {
    const failure = { kind, message, at: 'source' } as const;
    this.#settle({ target: this.plan.target, kind: 'failed', failure, isAtSource: true });
  }

  #settle(outcome: CopyTargetOutcome): void {
    this.state = { kind: 'settled', outcome };
  }
}

/** One item on its way, with what is known of it so far. */
export class CopyDraft {
  readonly item: CopyItem;
  targets: readonly DraftTarget[] = [];
  attempts = 0;
  #begunMs = 0;
  read: SourceRead | undefined;
  /** Bytes given to targets by this attempt, of an object that comes in chunks. */
  moved = 0;
  /** The source was another at the end of the copy than at its beginning: nothing of it may be published. */
  sourceChanged = false;
  /** Hashes of what was read, one for each attempt, where other bytes were wanted. */
  readonly #wrong: string[] = [];
  #isWrong = false;

  constructor(item: CopyItem) {
    this.item = item;
  }

  /** A fresh attempt at all targets; `nowMs` by the wall clock. */
  begin(nowMs: number): void {
    this.attempts++;
    this.#begunMs = nowMs;
    this.sourceChanged = false;
    this.#isWrong = false;
    this.read = undefined;
    this.moved = 0;
    this.targets = this.item.targets.map((plan) => new DraftTarget(plan));
  }

  noteRead({ token, size, attributes }: Head, sha256: string | undefined): void {
    this.read = { token, size, sha256, attributes, readAfterMs: this.#begunMs };
    const wanted = this.item.wanted?.sha256;
    if (wanted === undefined || sha256 === undefined || sha256 === wanted) return;
    this.#isWrong = true;
    this.#wrong.push(sha256);
  }

  /** Other bytes came than are wanted: nothing of it may be published. */
  get isWrong(): boolean {
    return this.#isWrong;
  }

  /** Wrong bytes are read once more, to tell a source that has them from a way that damages them. */
  get isWorthAnotherRead(): boolean {
    return this.sourceChanged || (this.#isWrong && this.#wrong.length === 1);
  }

  failWrong(): void {
    const [first, second] = this.#wrong;
    const message = `${this.item.key}: other bytes came than are wanted, twice${first === second ? ' the same' : ''}`;
    this.failAll({ kind: 'corrupt', message, ...(first === second ? { at: 'source' } : {}) });
  }

  get open(): readonly DraftTarget[] {
    return this.targets.filter((one) => one.isOpen);
  }

  failAll(failure: CopyFailure): void {
    for (const one of this.targets) if (one.state.kind !== 'settled') one.fail(failure);
  }

  /** The source's failure is every target's; one that says the source changed asks for another attempt. */
  sourceFailed(error: unknown): void {
    if (!(error instanceof StorageError)) throw error;
    const isOther = error.kind === 'changed' || error.kind === 'precondition-failed';
    // What is wanted does not come back by looking again.
    this.sourceChanged = isOther && this.item.wanted === undefined;
    for (const one of this.open) one.sourceFailed(error);
  }

  /** Under which the copies are recognised: the known version's where the bytes are its bytes. */
  markOf(sha256: string): Mark {
    const { known, operation } = this.item;
    return { operation: known?.sha256 === sha256 ? known.operation : operation, sha256 };
  }

  /** The mark, where it was not known before the last byte was staged. */
  get lateMark(): Mark | undefined {
    return this.read?.sha256 === undefined ? undefined : this.markOf(this.read.sha256);
  }

  outcome(): CopyOutcome {
    return {
      key: this.item.key,
      source: this.read,
      targets: this.targets.map(({ state, plan }) =>
        state.kind === 'settled'
          ? state.outcome
          : {
              target: plan.target,
              kind: 'failed',
              failure: { kind: 'unavailable', message: 'the copy was not finished' },
            },
      ),
      attempts: this.attempts,
    };
  }
}
