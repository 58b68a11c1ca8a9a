import type { Content, ObjectContent } from '../domain/object/version.ts';
import type { Change, ChangeOutcome, RecordBatch, RecordOutcome } from '../ports/catalog.ts';

type Copy = Change['replicas'][number];

/**
 * A change as nearly all of a sync are: values in one order, because the names of fields are most of the text of a small object. `scope` and
 * `store` count in `texts`; `place` is null where it is the object's name. Copies follow each other in `copies`.
 */
type ShortChange = readonly [
  scope: number,
  name: string,
  operation: string,
  follows: number | null,
  size: number,
  sha256: string | null,
  modifiedNs: string | null,
  mode: number | null,
  ...copies: (number | string | null)[],
];

const COPIES_FROM = 8;

/** Nanoseconds are beyond JSON's numbers and travel as text. */
type LongChange = Omit<Change, 'content'> & { readonly content: PlainContent };
type PlainContent =
  | Exclude<Content, ObjectContent>
  | (Omit<ObjectContent, 'modifiedNs'> & { modifiedNs?: string | bigint });

interface PlainBatch extends Omit<RecordBatch, 'changes'> {
  readonly texts?: readonly string[];
  readonly changes?: readonly (ShortChange | LongChange)[];
}

/**
 * A batch as it crosses to the catalog's thread: for hundreds of small objects one JSON text costs a third of a structured clone.
 * Of what JSON cannot tell, only fields that are undefined occur in a batch.
 */
export function encodeBatch(batch: RecordBatch): string {
  if (batch.changes === undefined) return JSON.stringify(batch);
  const texts = new Map<string, number>();
  const changes = batch.changes.map((change) => shortened(change, texts) ?? atLength(change));
  return JSON.stringify({ ...batch, texts: [...texts.keys()], changes } satisfies PlainBatch);
}

/** What was parsed is nobody else's: it is changed where it lies. */
export function decodeBatch(text: string): RecordBatch {
  const { texts = [], changes, ...batch } = JSON.parse(text) as PlainBatch;
  if (changes === undefined) return batch;
  return { ...batch, changes: changes.map((one) => ('content' in one ? ofLength(one) : ofShort(one, texts))) };
}

/** The answer, in the same way: of a change that was recorded only the version's number crosses. */
export function encodeRecorded({ fenced, changes }: RecordOutcome): string {
  return JSON.stringify({ fenced, changes: changes.map((one) => (one.kind === 'recorded' ? one.versionId : one)) });
}

export function decodeRecorded(text: string): RecordOutcome {
  const { fenced, changes } = JSON.parse(text) as { fenced: boolean; changes: readonly (number | ChangeOutcome)[] };
  return { fenced, changes: changes.map((one) => (typeof one === 'number' ? recorded(one) : withAllFields(one))) };
}

function recorded(versionId: number): ChangeOutcome {
  return { kind: 'recorded', versionId };
}

function withAllFields(outcome: ChangeOutcome): ChangeOutcome {
  return outcome.kind === 'conflict' ? { kind: 'conflict', currentId: outcome.currentId } : outcome;
}

function shortened(change: Change, texts: Map<string, number>): ShortChange | undefined {
  const { scope, name, follows, content, operation, replicas, requests } = change;
  const { heedsCollections, isConditional, isAlone, isOverCurrent } = change;
  const said = heedsCollections ?? isConditional ?? isAlone ?? isOverCurrent ?? requests;
  if (content.kind !== 'object' || said !== undefined) return undefined;
  const { size, sha256, modifiedNs, mode, contentType, metadata, md5 } = content;
  if ((contentType ?? metadata ?? md5) !== undefined) return undefined;
  const told: (number | string | null)[] = [
    numberOf(scope, texts),
    name,
    operation,
    follows ?? null,
    size,
    sha256 ?? null,
    modifiedNs === undefined ? null : String(modifiedNs),
    mode ?? null,
  ];
  for (const { store, state, verification, token, place } of replicas)
    told.push(numberOf(store, texts), state, verification, token ?? null, place === name ? null : place);
  return told as unknown as ShortChange;
}

function ofShort(told: ShortChange, texts: readonly string[]): Change {
  const [scope, name, operation, follows, size, sha256, modifiedNs, mode] = told;
  const content: { -readonly [K in keyof ObjectContent]: ObjectContent[K] } = {
    kind: 'object',
    size,
    sha256: sha256 ?? undefined,
  };
  if (modifiedNs !== null) content.modifiedNs = BigInt(modifiedNs);
  if (mode !== null) content.mode = mode;
  const replicas: Copy[] = [];
  for (let at = COPIES_FROM; at < told.length; at += 5) {
    replicas.push({
      store: texts[told[at] as number] as string,
      state: told[at + 1] as Copy['state'],
      verification: told[at + 2] as Copy['verification'],
      token: (told[at + 3] as string | null) ?? undefined,
      place: (told[at + 4] as string | null) ?? name,
    });
  }
  return { scope: texts[scope] as string, name, follows: follows ?? undefined, content, operation, replicas };
}

function numberOf(text: string, texts: Map<string, number>): number {
  const known = texts.get(text);
  if (known !== undefined) return known;
  texts.set(text, texts.size);
  return texts.size - 1;
}

function atLength(change: Change): LongChange {
  const { content } = change;
  if (content.kind !== 'object' || content.modifiedNs === undefined) return change;
  return { ...change, content: { ...content, modifiedNs: String(content.modifiedNs) } };
}

function ofLength(change: LongChange): Change {
  const { content } = change;
  if (content.kind === 'object' && content.modifiedNs !== undefined) content.modifiedNs = BigInt(content.modifiedNs);
  return change as Change;
}
