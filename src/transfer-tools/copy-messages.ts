import type { Attributes } from '../ports/storage.ts';
import type { Verification } from '../domain/store/verification.ts';
import type {
  CopyOutcome,
  CopyPage,
  CopyTargetOutcome,
  HeldBackPart,
  ReadOutcome,
  ReadPage,
} from '../ports/copy-pool.ts';

/** What a pool tells a worker. */
export type CopyCommand =
  | { readonly kind: 'copy' | 'read'; readonly id: number; readonly page: EncodedPage }
  | { readonly kind: 'extend'; readonly publishUntilMs: number }
  | { readonly kind: 'hold-back'; readonly parts: readonly HeldBackPart[] }
  /** Give this page up. */
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'stop' }
  | { readonly kind: 'close' };

/** What a worker tells its pool. */
export type CopyAnswer =
  | { readonly kind: 'ready' }
  /** Bytes so far, of a page with large objects. */
  | { readonly kind: 'moved'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'retried'; readonly message: string; readonly attempt: number }
  /** What was asked of each store, source first; told when the worker closes. */
  | { readonly kind: 'metered'; readonly counts: readonly unknown[] }
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
type ReadHead = Extract<ReadOutcome, { kind: 'read' }>['head'];
type Plain<Fields extends { readonly modifiedNs?: bigint | undefined }> = Omit<Fields, 'modifiedNs'> & {
  modifiedNs?: string | bigint | undefined;
};
type PlainOutcome = Omit<CopyOutcome, 'source'> & {
  readonly source?: Omit<Source, 'attributes'> & { readonly attributes: Plain<Attributes> };
};
type PlainRead =
  | Extract<ReadOutcome, { kind: 'failed' }>
  | {
      readonly kind: 'read';
      readonly head: Omit<Plain<ReadHead>, 'attributes'> & { readonly attributes: Plain<Attributes> };
      readonly sha256: string;
    };

export function encodeOutcomes(outcomes: readonly CopyOutcome[]): EncodedOutcomes {
  return JSON.stringify(outcomes.map((outcome) => shortened(outcome) ?? plainOutcome(outcome)));
}

export function decodeOutcomes(text: EncodedOutcomes): readonly CopyOutcome[] {
  const outcomes = JSON.parse(text) as readonly (ShortOutcome | PlainOutcome)[];
  return outcomes.map((one) => {
    if (!('key' in one)) return ofShort(one);
    if (one.source !== undefined) toNanoseconds(one.source.attributes);
    return one as CopyOutcome;
  });
}

/**
 * An outcome as nearly all are, copied everywhere at the first attempt and without metadata: values in one order, because the names of
 * fields are most of the text of a small object. Copies follow each other in `copies`: target, token and verification of each.
 */
type ShortOutcome = readonly [
  key: string,
  token: string,
  size: number,
  sha256: string,
  readAfterMs: number,
  modifiedNs: string,
  mode: number,
  ...copies: (number | string)[],
];

const COPIES_FROM = 7;

function shortened({ key, source, targets, attempts }: CopyOutcome): ShortOutcome | undefined {
  if (source === undefined || attempts !== 1) return undefined;
  const { token, size, sha256, readAfterMs, attributes } = source;
  const { modifiedNs, mode, contentType, metadata, link } = attributes;
  if (sha256 === undefined || modifiedNs === undefined || mode === undefined) return undefined;
  if (contentType !== undefined || metadata !== undefined || link !== undefined) return undefined;
  const told: (number | string)[] = [key, token, size, sha256, readAfterMs, modifiedNs.toString(), mode];
  for (const one of targets) {
    if (one.kind !== 'copied' || one.isLate) return undefined;
    told.push(one.target, one.token, one.verification);
  }
  return told as unknown as ShortOutcome;
}

function ofShort(told: ShortOutcome): CopyOutcome {
  const [key, token, size, sha256, readAfterMs, modifiedNs, mode] = told;
  const targets: CopyTargetOutcome[] = [];
  for (let at = COPIES_FROM; at < told.length; at += 3) {
    targets.push({
      target: told[at] as number,
      kind: 'copied',
      token: told[at + 1] as string,
      verification: told[at + 2] as Verification,
      isLate: false,
    });
  }
  const attributes = { modifiedNs: BigInt(modifiedNs), mode };
  return { key, source: { token, size, sha256, attributes, readAfterMs }, targets, attempts: 1 };
}

export function encodeReads(outcomes: readonly ReadOutcome[]): EncodedOutcomes {
  return JSON.stringify(outcomes.map(plainRead));
}

export function decodeReads(text: EncodedOutcomes): readonly ReadOutcome[] {
  const outcomes = JSON.parse(text) as readonly PlainRead[];
  for (const one of outcomes) {
    if (one.kind === 'failed') continue;
    toNanoseconds(one.head);
    toNanoseconds(one.head.attributes);
  }
  return outcomes as readonly ReadOutcome[];
}

function plainOutcome({ key, source, targets, attempts }: CopyOutcome): PlainOutcome {
  if (source === undefined) return { key, targets, attempts };
  const { token, size, sha256, attributes, readAfterMs } = source;
  return {
    key,
    source: { token, size, sha256, attributes: plainAttributes(attributes), readAfterMs },
    targets,
    attempts,
  };
}

function plainRead(outcome: ReadOutcome): PlainRead {
  if (outcome.kind === 'failed') return outcome;
  const { kind, head, sha256 } = outcome;
  const { token, size, mark, modifiedNs, attributes } = head;
  const plainHead = { token, size, mark, modifiedNs: modifiedNs?.toString(), attributes: plainAttributes(attributes) };
  return { kind, head: plainHead, sha256 };
}

function plainAttributes(attributes: Attributes): Plain<Attributes> {
  return { ...attributes, modifiedNs: attributes.modifiedNs?.toString() };
}

/** What was parsed is nobody else's: it is changed where it lies. */
function toNanoseconds(fields: { modifiedNs?: string | bigint | undefined }): void {
  if (fields.modifiedNs !== undefined) fields.modifiedNs = BigInt(fields.modifiedNs);
}
