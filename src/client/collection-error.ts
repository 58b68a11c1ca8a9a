import type { CollectionProblem } from '../domain/collection/collection.ts';

export type CollectionErrorKind = 'not-found' | 'refused';

/** What is not there, or not in the state that was expected, while all else is right. */
const ABSENT: ReadonlySet<CollectionProblem['kind']> = new Set(['unknown', 'deleted']);

/** So many are told in the message; `problems` has all. */
const TOLD_MAX = 20;

/**
 * A change of a collection that was refused, with all reasons, or something that is not there. Nothing was changed, but for
 * `done`: members of pages before.
 */
export class CollectionError extends Error {
  override readonly name = 'CollectionError';
  readonly kind: CollectionErrorKind;
  readonly problems: readonly CollectionProblem[];
  /** Members that had come or gone before; 0 unless there were more than 100,000. */
  readonly done: number;

  constructor(problems: readonly CollectionProblem[], done = 0) {
    super(describe(problems, done));
    this.kind = problems.every(({ kind }) => ABSENT.has(kind)) ? 'not-found' : 'refused';
    this.problems = problems;
    this.done = done;
  }
}

function describe(problems: readonly CollectionProblem[], done: number): string {
  const [first] = problems;
  const lines = problems.length === 1 ? [`${first?.message}\n  → ${first?.remedy}`] : [`${problems.length} problems:`];
  if (problems.length > 1)
    for (const { message, remedy } of problems.slice(0, TOLD_MAX)) lines.push(`  ${message}\n    → ${remedy}`);
  if (problems.length > TOLD_MAX) lines.push(`  … and ${problems.length - TOLD_MAX} more`);
  if (done > 0) lines.push(`  ${done} before these were changed`);
  return lines.join('\n');
}
