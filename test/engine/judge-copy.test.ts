import { expect, test } from 'vitest';
import { judgeCopy } from '../../src/engine/verify/judge-copy.ts';

const head = { token: 't', size: 3, modifiedNs: 7n, attributes: {}, digests: {}, mark: undefined };
const source = { size: 3, modifiedNs: 7n };
const mark = (sha256: string) => ({ operation: 'o', sha256 });

test.each([
  ['the object’s bytes', { copy: { head, sha256: 'right' } }, 'intact'],
  ['the bytes the source had before', { copy: { head, sha256: 'former' }, formerSha256: 'former' }, 'stale'],
  [
    'others under the token of the current version',
    { copy: { head, sha256: 'x' }, known: { isCurrent: true } },
    'corrupt',
  ],
  ['those of an older version, as recorded', { copy: { head, sha256: 'x' }, known: { isCurrent: false } }, 'stale'],
  ['those its own mark tells of', { copy: { head: { ...head, mark: mark('x') }, sha256: 'x' } }, 'stale'],
  ['others than its own mark tells of', { copy: { head: { ...head, mark: mark('y') }, sha256: 'x' } }, 'corrupt'],
  ['unknown ones of another size', { copy: { head: { ...head, size: 4 }, sha256: 'x' } }, 'stale'],
  ['unknown ones of another time', { copy: { head: { ...head, modifiedNs: 8n }, sha256: 'x' } }, 'stale'],
  ['unknown ones that look the same', { copy: { head, sha256: 'x' } }, 'corrupt'],
] as const)('a copy that holds %s is judged so', (_what, facts, verdict) => {
  expect(judgeCopy({ known: undefined, formerSha256: undefined, sha256: 'right', source, ...facts })).toBe(verdict);
});
