import { describe, expect, test } from 'vitest';
import { Adler32 } from '../../src/testing/fake-fts/adler32.ts';
import { putObject } from '../../src/testing/storage-contract/harness.ts';
import { contentOf } from '../../src/testing/transfer-tool-contract/harness.ts';
import { ftsJobOf } from '../../src/transfer-tools/fts3/job-request.ts';
import { statusOfJob } from '../../src/transfer-tools/fts3/job-status.ts';
import vectors from '../vectors/paths-and-checksums.json' with { type: 'json' };
import { Fts3World, untilOver } from './fts3-world.ts';

const cases = vectors.adler32.map(({ text, hex }) => [text, hex] as const);

test.each(cases)('adler32 of %j is %s, in whatever chunks it comes', (text, hex) => {
  const bytes = Buffer.from(text);
  for (let chunk = 1; chunk <= bytes.length + 1; chunk++) {
    const sum = new Adler32();
    for (let at = 0; at < bytes.length; at += chunk) sum.update(bytes.subarray(at, at + chunk));
    expect(sum.hex()).toBe(hex);
  }
});

test('its sums stay within 32 bits, however long the bytes', () => {
  const sum = new Adler32();
  const bytes = new Uint8Array(1_000_000).fill(255);
  sum.update(bytes);
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  expect(sum.hex()).toBe(`${b.toString(16).padStart(4, '0')}${a.toString(16).padStart(4, '0')}`);
});

describe('a transfer by FTS', () => {
  test.each(cases)('of %j is compared by the adler32 %s', async (text, hex) => {
    await using world = await Fts3World.open();
    const first = await world.prepare();
    const [source] = first.sources;
    if (source === undefined) throw new Error('a transfer has a source');
    await putObject(world.from, source.key, Buffer.from(text));
    const transfer = { ...first, content: contentOf(Buffer.from(text)) };
    expect(ftsJobOf(transfer, { checksums: ['adler32'], where: 'both' })).toMatchObject({
      files: [{ checksum: `ADLER32:${hex}` }],
    });
    await world.tool.submit([transfer]);
    expect(await untilOver(world.tool, transfer)).toMatchObject({
      outcome: { kind: 'arrived', verification: 'store', checksums: { adler32: hex } },
    });
  });

  test.each(cases)('of %j that lies there is known where a server leaves zeros out of %s', (_text, hex) => {
    const verified = { algorithm: 'adler32', value: hex };
    const told = hex.replace(/^0+/, '').toUpperCase();
    const file = (value: string) => ({
      file_state: 'FAILED',
      source_surl: 'u1',
      reason: 'DESTINATION [17] Destination file exists and overwrite is not enabled',
      file_metadata: {
        pando: { attempt: 'a', size: 3, sources: [{ store: 's1', url: 'u1' }], verified },
        dst_file: { file_size: 3, checksum_type: 'ADLER32', checksum_value: value },
      },
    });
    const outcomeOf = (value: string) => statusOfJob('id', { job_state: 'FAILED', files: [file(value)] });
    expect(outcomeOf(told)).toMatchObject({
      outcome: { kind: 'arrived', wasThere: true, checksums: { adler32: hex } },
    });
    expect(outcomeOf(`${told}0`)).toMatchObject({ outcome: { kind: 'failed' } });
  });

  test('whose adler32 was given without its zeros is compared with all eight digits', () => {
    const content = { ...contentOf(Buffer.from('a')), checksums: { adler32: '620062' } };
    const end = (store: string) => ({ store, key: 'k', url: `https://${store}.example.org/k` });
    const transfer = {
      attempt: 'a',
      sources: [{ ...end('s1'), token: undefined }],
      destination: end('s2'),
      onto: undefined,
      content,
      priority: 3,
    };
    expect(ftsJobOf(transfer, { checksums: ['adler32'], where: 'both' })).toMatchObject({
      files: [{ checksum: 'ADLER32:00620062' }],
    });
  });
});
