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

type PlainAttributes = Omit<Attributes, 'modifiedNs'> & { readonly modifiedNs?: string };
type PlainOutcome = Omit<CopyOutcome, 'source'> & {
  readonly source:
    | (Omit<NonNullable<CopyOutcome['source']>, 'attributes'> & { readonly attributes: PlainAttributes })
    | undefined;
};

export function encodeOutcomes(outcomes: readonly CopyOutcome[]): EncodedOutcomes {
  return JSON.stringify(
    outcomes.map(({ source, ...rest }): PlainOutcome => {
      if (source === undefined) return { ...rest, source };
      const { modifiedNs, ...attributes } = source.attributes;
      return {
        ...rest,
        source: {
          ...source,
          attributes: modifiedNs === undefined ? attributes : { ...attributes, modifiedNs: `${modifiedNs}` },
        },
      };
    }),
  );
}

export function decodeOutcomes(text: EncodedOutcomes): readonly CopyOutcome[] {
  return (JSON.parse(text) as readonly PlainOutcome[]).map(({ source, ...rest }): CopyOutcome => {
    if (source === undefined) return { ...rest, source };
    const { modifiedNs, ...attributes } = source.attributes;
    const { token, size, sha256 } = source;
    return {
      ...rest,
      source: {
        token,
        size,
        sha256,
        attributes: modifiedNs === undefined ? attributes : { ...attributes, modifiedNs: BigInt(modifiedNs) },
      },
    };
  });
}
