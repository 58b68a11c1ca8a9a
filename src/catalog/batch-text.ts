import type { Content, ObjectContent } from '../domain/object/version.ts';
import type { Change, RecordBatch } from '../ports/catalog.ts';

type PlainChange = Omit<Change, 'content'> & { content: PlainContent };
type PlainContent =
  | Exclude<Content, ObjectContent>
  | (Omit<ObjectContent, 'modifiedNs'> & { modifiedNs?: string | bigint });
type PlainBatch = Omit<RecordBatch, 'changes'> & { changes?: readonly PlainChange[] };

/**
 * A batch as it crosses to the catalog's thread: for hundreds of small objects one JSON text costs a third of a structured clone.
 * Nanoseconds are beyond JSON's numbers and travel as text. Of what JSON cannot tell, only fields that are undefined occur in a batch.
 */
export function encodeBatch(batch: RecordBatch): string {
  if (batch.changes === undefined) return JSON.stringify(batch);
  return JSON.stringify({ ...batch, changes: batch.changes.map(toPlain) } satisfies PlainBatch);
}

function toPlain(change: Change): PlainChange {
  const { content } = change;
  if (content.kind !== 'object' || content.modifiedNs === undefined) return change;
  return { ...change, content: { ...content, modifiedNs: String(content.modifiedNs) } };
}

/** What was parsed is nobody else's: it is changed where it lies. */
export function decodeBatch(text: string): RecordBatch {
  const batch = JSON.parse(text) as PlainBatch;
  for (const { content } of batch.changes ?? []) {
    if (content.kind === 'object' && content.modifiedNs !== undefined) content.modifiedNs = BigInt(content.modifiedNs);
  }
  return batch as RecordBatch;
}
