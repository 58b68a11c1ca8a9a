import type { VersionEntry } from '../../domain/journal/entry.ts';
import { findKeyProblem } from '../../domain/object/key.ts';
import type { Catalog } from '../../ports/catalog.ts';
import type { ApplyOutcome, Arrived } from '../../ports/journal.ts';
import { type Batch, PeerError, type Sent, type SentAnswer, type SentOutcome } from '../../ports/peer-link.ts';
import { StorageError } from '../../ports/storage.ts';
import { discardKept } from './discard-kept.ts';
import type { KeptVersion, SiteStore } from './site-store.ts';

export interface ReceivePorts {
  readonly catalog: Pick<Catalog, 'judgeEntries' | 'applyEntries' | 'readPlaces' | 'takeUp' | 'readReceipt'>;
  /** Where the bytes of what peers write are kept. */
  readonly store: SiteStore;
  /** Bytes of smaller objects come inside of batches; others are fetched. */
  readonly inlineBytesMax: number;
}

interface Kept {
  readonly at: number;
  readonly kept: KeptVersion;
}

/** Something was sent by, or to, a catalog that is not that any more. */
export const SAY_HELLO = 'one of the two sites has begun anew: say hello first';

/**
 * Takes a batch of a peer (docs/sites.md, "Applying"): which bytes are wanted is asked, these are kept, all with one flush; then one
 * transaction joins the entries with what is here. One outcome an entry, in order; an entry that is refused stops no other. Fails with a
 * `CatalogError`, a `StorageError` where the store cannot take anything now, or a `PeerError` where it is from or for another life of a
 * catalog: then nothing of the batch was applied.
 */
export async function receiveEntries(
  { catalog, store, inlineBytesMax }: ReceivePorts,
  batch: Batch,
  signal: AbortSignal,
): Promise<SentAnswer> {
  const outcomes: (SentOutcome | undefined)[] = batch.entries.map(({ entry }) => refusal(entry));
  const open = [...batch.entries.entries()].filter(([at]) => outcomes[at] === undefined);
  const wanted = await wantedOf(catalog, open);
  using _ = store.hold(wanted.map(([, { entry }]) => entry.operation));
  const kept = new Map<number, KeptVersion>();
  await keepAll({ catalog, store }, wanted, { kept, outcomes, signal });
  const arrived = open.filter(([at]) => outcomes[at] === undefined);
  const applied = await apply(catalog, batch, arrived, kept);
  if (applied.some(({ kind }) => kind === 'stale')) {
    await discardKept({ catalog, store }, [...kept.values()]);
    throw new PeerError('stale', SAY_HELLO);
  }
  const large: VersionEntry[] = [];
  for (const [index, [at, { entry, bytes }]] of arrived.entries()) {
    const outcome = applied[index];
    const isLarge = outcome?.kind === 'bytes-wanted' && bytes === undefined && sizeOf(entry) >= inlineBytesMax;
    outcomes[at] = isLarge ? { kind: 'taken-up' } : outcome;
    if (isLarge) large.push(entry as VersionEntry);
  }
  if (large.length > 0) await catalog.takeUp(batch.from, large);
  await discardKept({ catalog, store }, unwanted(kept, outcomes));
  return { outcomes: outcomes as SentOutcome[], receipt: await catalog.readReceipt(batch.from) };
}

function sizeOf(entry: Sent['entry']): number {
  return entry.kind === 'version' && entry.content.kind === 'object' ? entry.content.size : 0;
}

/** What would be wrong with it at any site. */
function refusal(entry: Sent['entry']): SentOutcome | undefined {
  if (entry.kind !== 'version') return undefined;
  const problem = findKeyProblem(entry.name);
  return problem === undefined ? undefined : { kind: 'refused', why: `the name is refused here: ${problem}` };
}

type Numbered = readonly [at: number, sent: Sent];

async function wantedOf(catalog: ReceivePorts['catalog'], open: readonly Numbered[]): Promise<readonly Numbered[]> {
  const withBytes = open.filter(([, { entry, bytes }]) => entry.kind === 'version' && bytes !== undefined);
  if (withBytes.length === 0) return [];
  const wanted = await catalog.judgeEntries(withBytes.map(([, { entry }]) => entry as VersionEntry));
  return withBytes.filter((_, index) => wanted[index]);
}

interface Keeping {
  readonly kept: Map<number, KeptVersion>;
  readonly outcomes: (SentOutcome | undefined)[];
  readonly signal: AbortSignal;
}

/** Bytes that are not what they should be are asked for again; a store that takes nothing fails the batch. */
async function keepAll(
  { catalog, store }: Pick<ReceivePorts, 'catalog' | 'store'>,
  wanted: readonly Numbered[],
  { kept, outcomes, signal }: Keeping,
): Promise<void> {
  const done = await Promise.allSettled(
    wanted.map(async ([at, { entry, bytes }]): Promise<Kept> => {
      const { operation, content } = entry as VersionEntry;
      if (content.kind !== 'object' || bytes === undefined) throw new Error('bytes of a tombstone are never wanted');
      return { at, kept: await store.keepExactly(operation, content, bytes, signal) };
    }),
  );
  let failure: unknown;
  for (const [index, one] of done.entries()) {
    if (one.status === 'fulfilled') kept.set(one.value.at, one.value.kept);
    else if (one.reason instanceof StorageError && one.reason.kind === 'corrupt')
      outcomes[wanted[index]?.[0] ?? 0] = { kind: 'bytes-wanted' };
    else failure ??= one.reason;
  }
  if (failure === undefined) return;
  await discardKept({ catalog, store }, [...kept.values()]);
  throw failure;
}

async function apply(
  catalog: ReceivePorts['catalog'],
  { from, lives }: Pick<Batch, 'from' | 'lives'>,
  arrived: readonly Numbered[],
  kept: ReadonlyMap<number, KeptVersion>,
): Promise<readonly ApplyOutcome[]> {
  if (arrived.length === 0) return [];
  const entries = arrived.map(([at, { entry }]): Arrived => ({ entry, copy: kept.get(at)?.copy }));
  return catalog.applyEntries({ from, lives, entries });
}

/** Kept, and then not needed, because somebody else was faster. */
function unwanted(
  kept: ReadonlyMap<number, KeptVersion>,
  outcomes: readonly (SentOutcome | undefined)[],
): readonly KeptVersion[] {
  return [...kept].flatMap(([at, one]) => {
    const kind = outcomes[at]?.kind;
    return kind === 'applied' || kind === 'conflict' ? [] : [one];
  });
}
