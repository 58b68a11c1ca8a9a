import { expect, test } from 'vitest';
import type { CopyOutcome } from '../../src/ports/copy-pool.ts';
import { decodeOutcomes, encodeOutcomes } from '../../src/transfer-tools/copy-messages.ts';

const SOURCE: CopyOutcome['source'] = {
  token: '1.2.3',
  size: 3,
  sha256: 'ab',
  attributes: { modifiedNs: 1_600_000_000_123_456_789n, mode: 0o644 },
  readAfterMs: 1_700_000_000_000,
};
const COPIED = { target: 0, kind: 'copied', token: '4.5.6', verification: 'written', isLate: false } as const;
const OUTCOME: CopyOutcome = { key: 'x', source: SOURCE, targets: [COPIED], attempts: 1 };

test.each<[string, CopyOutcome]>([
  ['copied', OUTCOME],
  ['copied to two targets', { ...OUTCOME, targets: [COPIED, { ...COPIED, target: 1, verification: 'read-back' }] }],
  ['copied late', { ...OUTCOME, targets: [COPIED, { ...COPIED, isLate: true }] }],
  ['copied at the second attempt', { ...OUTCOME, attempts: 2 }],
  [
    'copied with metadata',
    { ...OUTCOME, source: { ...SOURCE, attributes: { ...SOURCE.attributes, metadata: { a: 'b' } } } },
  ],
  ['copied from a store without modes', { ...OUTCOME, source: { ...SOURCE, attributes: { modifiedNs: -5n } } }],
  ['a link', { ...OUTCOME, source: { ...SOURCE, attributes: { ...SOURCE.attributes, link: 'y' } } }],
  ['the same', { ...OUTCOME, targets: [{ target: 0, kind: 'same', token: '4.5.6', verification: 'none' }] }],
  ['only compared', { ...OUTCOME, source: { ...SOURCE, sha256: undefined } }],
  [
    'failed',
    {
      ...OUTCOME,
      source: undefined,
      targets: [{ target: 0, kind: 'failed', failure: { kind: 'denied', message: 'no' } }],
    },
  ],
])('an outcome that says %s is the same on the other side', (_, outcome) => {
  expect(decodeOutcomes(encodeOutcomes([OUTCOME, outcome]))).toEqual([OUTCOME, outcome]);
});
