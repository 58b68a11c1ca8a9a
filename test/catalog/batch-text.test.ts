import { expect, test } from 'vitest';
import { decodeBatch, decodeRecorded, encodeBatch, encodeRecorded } from '../../src/catalog/batch-text.ts';
import type { Change, RecordBatch, RecordOutcome } from '../../src/ports/catalog.ts';

const COPY: Change['replicas'][number] = {
  store: 'file:///a/',
  state: 'AVAILABLE',
  place: 'x',
  token: '1.2.3',
  verification: 'written',
};
const CHANGE: Change = {
  scope: 's',
  name: 'x',
  follows: undefined,
  operation: '01890000-0000-7000-8000-000000000001',
  content: { kind: 'object', size: 3, sha256: 'ab', modifiedNs: 1_600_000_000_123_456_789n, mode: 0o644 },
  replicas: [COPY, { ...COPY, store: 'file:///b/', place: 'y', state: 'UNVERIFIED', verification: 'none' }],
};

test.each<[string, readonly Change[] | undefined]>([
  ['without changes', undefined],
  ['with none', []],
  ['as of most of a sync', [CHANGE, { ...CHANGE, name: 'y', follows: 7 }]],
  ['of what was only seen', [{ ...CHANGE, content: { kind: 'object', size: 3, sha256: undefined } }]],
  ['before 1970', [{ ...CHANGE, content: { kind: 'object', size: 0, sha256: undefined, modifiedNs: -1n } }]],
  ['of copies without a token', [{ ...CHANGE, replicas: [{ ...COPY, state: 'COPYING', token: undefined }] }]],
  ['of no copies', [{ ...CHANGE, replicas: [] }]],
  ['of a tombstone', [{ ...CHANGE, content: { kind: 'tombstone' } }, CHANGE]],
  ['with metadata', [CHANGE, { ...CHANGE, content: { ...CHANGE.content, metadata: { a: 'b' } } as Change['content'] }]],
  ['with a content type', [{ ...CHANGE, content: { ...CHANGE.content, contentType: 't' } as Change['content'] }]],
  ['that heeds collections', [{ ...CHANGE, heedsCollections: true }]],
  ['with requests', [{ ...CHANGE, requests: [{ kind: 'copy', store: 's', reason: 'write', priority: 0 }] }]],
])('a batch %s is the same on the other side', (_, changes) => {
  const batch: RecordBatch = { soft: ['file:///a/'], ...(changes === undefined ? {} : { changes }) };
  expect(decodeBatch(encodeBatch(batch))).toEqual(batch);
});

test('what became of a batch is the same on the other side', () => {
  const outcome: RecordOutcome = {
    fenced: false,
    changes: [
      { kind: 'recorded', versionId: 1 },
      { kind: 'repeated', versionId: 2 },
      { kind: 'conflict', currentId: 3 },
      { kind: 'conflict', currentId: undefined },
      { kind: 'refused', problems: [] },
    ],
  };
  expect(decodeRecorded(encodeRecorded(outcome))).toStrictEqual(outcome);
});
