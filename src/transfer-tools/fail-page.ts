import type { CopyFailure, CopyOutcome, CopyPage, ReadOutcome, ReadPage } from '../ports/copy-pool.ts';

/** The answer to a page that nobody could carry out: every copy of it failed. */
export function failCopies({ items }: CopyPage, failure: CopyFailure): readonly CopyOutcome[] {
  return items.map(({ key, targets }) => ({
    key,
    source: undefined,
    targets: targets.map(({ target }) => ({ target, kind: 'failed', failure })),
    attempts: 1,
  }));
}

export function failReads({ items }: ReadPage, failure: CopyFailure): readonly ReadOutcome[] {
  return items.map(() => ({ kind: 'failed', failure }));
}
