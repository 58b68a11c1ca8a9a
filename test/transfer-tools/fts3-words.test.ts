import { describe, expect, test } from 'vitest';
import { failureOfReason, isDestinationOccupied } from '../../src/transfer-tools/fts3/failure-of-reason.ts';
import { ftsJobId } from '../../src/transfer-tools/fts3/job-id.ts';
import { statusOfJob } from '../../src/transfer-tools/fts3/job-status.ts';
import { withoutSecrets } from '../../src/transfer-tools/fts3/without-secrets.ts';

// Made with Python's uuid5, as the server makes them.
test.each([
  ['atlas', 'sid', 'c9a01028-0cc5-56a4-9b6b-11aa3805b74f'],
  ['pando', 'site-1/42/3', '3d15d14f-3082-5730-810f-7b4a37952a7e'],
  ['vo', 'ü/日本', '34ce6a2d-45fc-5cca-9683-214d12dfe689'],
])('a job of %s named %s has the id the server gives it', (vo, sid, id) => {
  expect(ftsJobId(vo, sid)).toBe(id);
});

test.each([
  ['SOURCE [2] No such file or directory', 'source', 'not-found'],
  ['SOURCE [13] Permission denied', 'source', 'denied'],
  ['SOURCE CHECKSUM MISMATCH [5] User and source ADLER32 do not match', 'source', 'corrupt'],
  ['DESTINATION [17] Destination file exists and overwrite is not enabled', 'destination', 'precondition-failed'],
  ['DESTINATION [28] No space left on device', 'destination', 'full'],
  ['DESTINATION [122] Disk quota exceeded', 'destination', 'full'],
  ['DESTINATION CHECKSUM MISMATCH [5] User and destination ADLER32 do not match', 'between', 'corrupt'],
  ['TRANSFER [110] Transfer timed out', 'between', 'timeout'],
  ['TRANSFER [125] Transfer canceled', 'between', 'aborted'],
  ['TRANSFER CHECKSUM MISMATCH', 'between', 'corrupt'],
  ['AGENT [70] something else', 'between', 'unavailable'],
  ['', 'between', 'unavailable'],
])('%s is a failure at the %s: %s', (reason, at, kind) => {
  expect(failureOfReason(reason)).toEqual({ at, kind });
});

test('a destination is known to be occupied by the words of older servers and of newer ones', () => {
  expect(isDestinationOccupied('DESTINATION [17] Destination file exists and overwrite is not enabled')).toBe(true);
  expect(isDestinationOccupied('DESTINATION [17] Destination file exists and is on tape')).toBe(true);
  expect(isDestinationOccupied('DESTINATION [13] Permission denied')).toBe(false);
});

const pando = {
  attempt: 'a',
  size: 10,
  sources: [
    { store: 's1', url: 'u1' },
    { store: 's2', url: 'u2' },
  ],
  verified: { algorithm: 'adler32', value: '1a0b045d' },
};
const file = (state: string, url: string, more: object = {}) => ({
  file_state: state,
  source_surl: url,
  reason: '',
  filesize: 10,
  file_metadata: { pando },
  ...more,
});
const occupied = (value: string, size = 10) =>
  file('FAILED', 'u1', {
    reason: 'DESTINATION [17] Destination file exists and overwrite is not enabled',
    file_metadata: { pando, dst_file: { file_size: size, checksum_type: 'ADLER32', checksum_value: value } },
  });

describe('a job is told as', () => {
  const cases: readonly [string, object, object][] = [
    ['running, while it is staged', { job_state: 'STAGING', files: [file('STAGING', 'u1')] }, { kind: 'running' }],
    [
      'running, while another source is tried',
      { job_state: 'ACTIVE', files: [file('FAILED', 'u1'), file('ACTIVE', 'u2')] },
      { kind: 'running' },
    ],
    [
      'arrived, from the source that had it',
      { job_state: 'FINISHEDDIRTY', files: [file('FAILED', 'u1', { reason: 'SOURCE [2] x' }), file('FINISHED', 'u2')] },
      {
        outcome: {
          kind: 'arrived',
          source: 's2',
          size: 10,
          checksums: { adler32: '1a0b045d' },
          failed: [{ source: 's1', kind: 'not-found' }],
        },
      },
    ],
    [
      'arrived, with sources that were not needed',
      { job_state: 'FINISHED', files: [file('FINISHED', 'u1'), file('NOT_USED', 'u2')] },
      { outcome: { kind: 'arrived', source: 's1', failed: [] } },
    ],
    [
      'arrived, where the wanted bytes lay already',
      { job_state: 'FAILED', files: [occupied('1A0B045D')] },
      { outcome: { kind: 'arrived', source: undefined, wasThere: true } },
    ],
    [
      'failed, where others lay',
      { job_state: 'FAILED', files: [occupied('00000001')] },
      { outcome: { kind: 'failed', failed: [{ at: 'destination', kind: 'precondition-failed' }] } },
    ],
    [
      'failed, where bytes of another size lay',
      { job_state: 'FAILED', files: [occupied('1a0b045d', 11)] },
      { outcome: { kind: 'failed' } },
    ],
    [
      'aborted, when it was cancelled before it began',
      { job_state: 'CANCELED', files: [file('NOT_USED', 'u1')] },
      { outcome: { kind: 'failed', failed: [{ source: 's1', kind: 'aborted' }] } },
    ],
    [
      'failed, when it says no more than that',
      { job_state: 'FAILED', files: [file('NOT_USED', 'u1')] },
      { outcome: { kind: 'failed', failed: [{ at: 'between', kind: 'unavailable' }] } },
    ],
    [
      'arrived from nobody known, when what was sent along is not what came back',
      {
        job_state: 'FINISHED',
        files: [file('FINISHED', 'u1', { file_metadata: { pando: { sources: 'x', verified: 7 } } })],
      },
      { outcome: { kind: 'arrived', source: undefined, checksums: {}, verification: 'none' } },
    ],
    ['lost', { http_status: '404 Not Found' }, { outcome: { kind: 'lost' } }],
    ['no answer, when it may not be looked at', { http_status: '403 Forbidden' }, { kind: 'no-answer' }],
    ['no answer, without its files', { job_state: 'FINISHED', files: [] }, { kind: 'no-answer' }],
    ['no answer, when it is nothing known', {}, { kind: 'no-answer' }],
  ];
  test.each(cases)('%s', (_, job, status) => {
    expect(statusOfJob('id', job)).toMatchObject({ id: 'id', ...status });
  });
});

test('what a server says is repeated without secrets, on one line, and not at length', () => {
  const said = 'no: https://u:pw@h/x?X-Amz-Signature=abc\nAuthorization: Bearer tok-1 and tok-1';
  const repeated = withoutSecrets(said, 'tok-1');
  for (const secret of ['pw@', 'abc', 'tok-1', '\n']) expect(repeated).not.toContain(secret);
  expect(repeated).toContain('https://h/x');
  expect(withoutSecrets('x'.repeat(10_000), undefined).length).toBeLessThan(400);
});
