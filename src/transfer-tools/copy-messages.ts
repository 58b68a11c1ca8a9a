import type { Attributes } from '../ports/storage.ts';
import type { CopyOutcome, CopyPage, ReadOutcome, ReadPage } from '../ports/copy-pool.ts';

/** What a pool tells a worker. */
export type CopyCommand =
  | { readonly kind: 'copy' | 'read'; readonly id: number; readonly page: EncodedPage }
  | { readonly kind: 'extend'; readonly publishUntilMs: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'close' };

/** What a worker tells its pool. */
export type CopyAnswer =
  | { readonly kind: 'ready' }
  /** Bytes so far, of a page with large objects. */
  | { readonly kind: 'moved'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'retried'; readonly message: string; readonly attempt: number }
  | { readonly kind: 'done'; readonly id: number; readonly outcomes: EncodedOutcomes }
  | { readonly kind: 'crashed'; readonly id: number; readonly message: string };

/**
 * Pages cross threads and processes as one string: for hundreds of small objects JSON costs a third of a structured clone.
 * Nanoseconds are beyond JSON's numbers and travel as text.
 */
export type EncodedPage = string;
export type EncodedOutcomes = string;

export function encodePage(page: CopyPage | ReadPage): EncodedPage {
  return JSON.stringify(page);
}

export function decodeCopyPage(text: EncodedPage): CopyPage {
  return JSON.parse(text) as CopyPage;
}

export function decodeReadPage(text: EncodedPage): ReadPage {
  return JSON.parse(text) as ReadPage;
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
  const { token, size, sha256, readAfterMs } = source;
  const attributes: PlainAttributes = { ...source.attributes };
  if (source.attributes.modifiedNs !== undefined) attributes.modifiedNs = String(source.attributes.modifiedNs);
  return { key, source: { token, size, sha256, attributes, readAfterMs }, targets, attempts };
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

export function encodeReads(outcomes: readonly ReadOutcome[]): EncodedOutcomes {
  return JSON.stringify(outcomes.map((one) => (one.kind === 'failed' ? one : { ...one, head: plainHead(one.head) })));
}

function plainHead({ token, size, mark, modifiedNs, attributes }: ReadHead) {
  return {
    token,
    size,
    mark,
    modifiedNs: textOf(modifiedNs),
    attributes: { ...attributes, modifiedNs: textOf(attributes.modifiedNs) },
  };
}

export function decodeReads(text: EncodedOutcomes): readonly ReadOutcome[] {
  return (JSON.parse(text) as readonly PlainRead[]).map((one): ReadOutcome => {
    if (one.kind === 'failed') return one;
    const { modifiedNs, attributes, ...head } = one.head;
    const { modifiedNs: attributed, ...others } = attributes;
    return {
      kind: 'read',
      head: {
        ...head,
        modifiedNs: modifiedNs === undefined ? undefined : BigInt(modifiedNs),
        attributes: attributed === undefined ? others : { ...others, modifiedNs: BigInt(attributed) },
      },
      sha256: one.sha256,
    };
  });
}

type ReadHead = Extract<ReadOutcome, { kind: 'read' }>['head'];
type PlainRead =
  | Extract<ReadOutcome, { kind: 'failed' }>
  | {
      readonly kind: 'read';
      readonly head: Omit<ReadHead, 'modifiedNs' | 'attributes'> & {
        readonly modifiedNs?: string;
        readonly attributes: Omit<Attributes, 'modifiedNs'> & { readonly modifiedNs?: string };
      };
      readonly sha256: string;
    };

function textOf(nanoseconds: bigint | undefined): string | undefined {
  return nanoseconds?.toString();
}
