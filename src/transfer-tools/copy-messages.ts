import type { Attributes } from '../ports/storage.ts';
import type { CopyOutcome, CopyPage } from '../ports/copy-pool.ts';

/** What a pool tells a worker. */
export type CopyCommand =
  | { readonly kind: 'page'; readonly id: number; readonly page: EncodedPage }
  | { readonly kind: 'extend'; readonly publishUntilMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'close' };

/** What a worker tells its pool. */
export type CopyAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly outcomes: EncodedOutcomes }
  | { readonly kind: 'crashed'; readonly id: number; readonly message: string };

/**
 * Pages cross threads and processes as one string: for hundreds of small objects JSON costs a third of a structured clone.
 * Nanoseconds are beyond JSON's numbers and travel as text.
 */
export type EncodedPage = string;
export type EncodedOutcomes = string;

export function encodePage(page: CopyPage): EncodedPage {
  return JSON.stringify(page);
}

export function decodePage(text: EncodedPage): CopyPage {
  return JSON.parse(text) as CopyPage;
}

type Source = NonNullable<CopyOutcome['source']>;
type PlainAttributes = Omit<Attributes, 'modifiedNs'> & { modifiedNs?: string | bigint };
type PlainOutcome = Omit<CopyOutcome, 'source'> & {
  readonly source?: Omit<Source, 'attributes'> & { readonly attributes: PlainAttributes };
};

export function encodeOutcomes(outcomes: readonly CopyOutcome[]): EncodedOutcomes {
  return JSON.stringify(outcomes.map(toPlain));
}

function toPlain({ key, source, targets, attempts }: CopyOutcome): PlainOutcome {
  if (source === undefined) return { key, targets, attempts };
  const { token, size, sha256 } = source;
  const attributes: PlainAttributes = { ...source.attributes };
  if (source.attributes.modifiedNs !== undefined) attributes.modifiedNs = String(source.attributes.modifiedNs);
  return { key, source: { token, size, sha256, attributes }, targets, attempts };
}

/** What was parsed is nobody else's: it is changed where it lies. */
export function decodeOutcomes(text: EncodedOutcomes): readonly CopyOutcome[] {
  const outcomes = JSON.parse(text) as readonly PlainOutcome[];
  for (const { source } of outcomes) {
    if (source?.attributes.modifiedNs !== undefined)
      source.attributes.modifiedNs = BigInt(source.attributes.modifiedNs);
  }
  return outcomes as readonly CopyOutcome[];
}
