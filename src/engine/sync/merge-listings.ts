import { compareKeys } from '../../domain/object/key.ts';
import { type Listed, type ListingText, StorageError } from '../../ports/storage.ts';
import type { ListingCursor } from './cursor.ts';
import type { KnownCursor, KnownObject } from './known-cursor.ts';
import { RecordedPages } from './recorded-pages.ts';

/** One key with all that is known of it: listed at the source, at each target, and in the catalog. */
export interface MergedObject {
  readonly key: string;
  readonly source: Listed | undefined;
  /** By target; always undefined for a target whose listing failed. */
  readonly targets: readonly (Listed | undefined)[];
  readonly known: KnownObject | undefined;
}

export interface MergeInput {
  readonly source: ListingCursor;
  readonly targets: readonly (ListingCursor | undefined)[];
  readonly known: KnownCursor;
  /** A target's listing broke: that target is out, the others go on. */
  readonly onTargetFailure: (target: number, error: StorageError) => void;
  /** Called in key order, synchronously. */
  readonly visit: (object: MergedObject) => void;
  /**
   * Called in that order, too, for a whole page that is listed alike everywhere and is what the catalog has: each store holds the
   * current version, served, under the token that is listed. Undefined: such objects are visited like the others.
   */
  readonly visitRecorded?: ((page: ListingText) => void) | undefined;
  /** Called between pages; what it awaits is the merge's backpressure. */
  readonly pause: () => Promise<void>;
}

/** Objects visited between two pauses. */
const VISITS_BETWEEN_PAUSES = 512;

/** Joins sorted streams by key. Ends when all are at their end; a source or catalog that fails ends it with that failure. */
export async function mergeListings(input: MergeInput): Promise<void> {
  const targets = [...input.targets];
  const recorded = new RecordedPages(input);
  let visits = 0;
  let visited: string | undefined;
  for (;;) {
    await fillListings(input, targets);
    const last = await recorded.pass(targets, visited);
    if (last !== undefined) {
      visited = last;
      await input.pause();
      continue;
    }
    await expandAll(input, targets);
    const key = lowestKey(input, targets);
    if (key === undefined) return;
    for (let next: string | undefined = key; next !== undefined; next = lowestKey(input, targets)) {
      input.visit(takeObject(next, input, targets));
      visited = next;
      if (++visits % VISITS_BETWEEN_PAUSES === 0) await input.pause();
      if (mustFill(input, targets)) break;
    }
  }
}

function mustFill({ source, known }: MergeInput, targets: readonly (ListingCursor | undefined)[]): boolean {
  return source.isEmpty || known.isEmpty || targets.some((target) => target?.isEmpty === true);
}

async function fillListings(input: MergeInput, targets: (ListingCursor | undefined)[]): Promise<void> {
  if (input.source.isEmpty) await input.source.fillPage();
  for (const [i, target] of targets.entries()) {
    if (target?.isEmpty === true) await guardTarget(input, targets, i, () => target.fillPage());
  }
}

async function expandAll(input: MergeInput, targets: (ListingCursor | undefined)[]): Promise<void> {
  input.source.expand();
  for (const [i, target] of targets.entries()) {
    if (target !== undefined) await guardTarget(input, targets, i, () => target.expand());
  }
  if (input.known.isEmpty) await input.known.fill();
}

async function guardTarget(
  input: MergeInput,
  targets: (ListingCursor | undefined)[],
  index: number,
  step: () => Promise<void> | void,
): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    targets[index] = undefined;
    input.onTargetFailure(index, error);
  }
}

function lowestKey({ source, known }: MergeInput, targets: readonly (ListingCursor | undefined)[]): string | undefined {
  let lowest = source.current?.key;
  const knownKey = known.key;
  if (knownKey !== undefined && (lowest === undefined || (knownKey !== lowest && compareKeys(knownKey, lowest) < 0)))
    lowest = knownKey;
  for (const target of targets) {
    const key = target?.current?.key;
    if (key !== undefined && (lowest === undefined || (key !== lowest && compareKeys(key, lowest) < 0))) lowest = key;
  }
  return lowest;
}

function takeObject(
  key: string,
  { source, known }: MergeInput,
  targets: readonly (ListingCursor | undefined)[],
): MergedObject {
  const atSource = source.current?.key === key ? source.current : undefined;
  if (atSource !== undefined) source.advance();
  const atTargets = targets.map((target) => {
    const listed = target?.current;
    if (listed?.key !== key) return undefined;
    target?.advance();
    return listed;
  });
  let knownObject: KnownObject | undefined;
  if (known.key === key) {
    knownObject = known.take();
    known.advance();
  }
  return { key, source: atSource, targets: atTargets, known: knownObject };
}
