import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../src/domain/object/key.ts';
import { parse } from '../../src/storage/s3/xml-answer.ts';
import type { Storage } from '../../src/ports/storage.ts';
import { inChunks, markOf, patternBytes } from '../../src/testing/storage-contract/harness.ts';
import { useRgw } from '../servers/use-rgw.ts';
import { makeBucket, openStore, PART_BYTES, settingsOf } from './s3-stores.ts';

const { rgw, client } = await useRgw();

/** What XML 1.0 cannot carry, and what looks like stand-ins for it. */
const ODD = ['\ufffe', '\uffff', '\u{10ffff}', '\u{10fc1f}', '\u{f0000}', '\u0085'];

describe('keys that XML has no way to write', { timeout: 120_000 }, () => {
  it('are uploaded in parts and listed, and leave no upload behind', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket), { probe: true });
    const bytes = patternBytes(2 * PART_BYTES, 3);
    const keys = ['large\uffff', 'large\ufffe'];
    for (const key of keys) {
      const mark = markOf(bytes);
      const staged = await storage.stage(key, inChunks(bytes), { attributes: {}, mark, resume: `what ${key} is` });
      expect(await storage.publish([{ staged, options: { mark } }])).toMatchObject([{ verification: 'store' }]);
    }
    expect((await list(storage)).keys).toEqual(keys.toSorted(compareKeys));
    expect(await storage.clean()).toBe(0);
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    expect(Uploads).toEqual([]);
  });

  it('do not hide what comes after them at the end of a page, and are found by their beginnings', async () => {
    const bucket = await makeBucket(rgw);
    await using storage = await openStore(settingsOf(rgw, bucket), { probe: true });
    // The last key of a page is what the server goes on from, and says so.
    const before = Array.from({ length: 999 }, (_, n) => `a/${String(n).padStart(4, '0')}`);
    const foreign = 'a/0998\u0001';
    const after = [...ODD.map((odd) => `b${odd}c`), 'z'];
    const put = async (keys: string[]): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop())
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: 'x' }));
    };
    const keys = [...before, foreign, ...after];
    await Promise.all(Array.from({ length: 16 }, () => put(keys)));
    const listed = await list(storage);
    expect(listed.keys).toEqual([...before, ...after].toSorted(compareKeys));
    expect(listed.failures).toHaveLength(1);
    for (const odd of ODD) expect((await list(storage, `b${odd}`)).keys).toEqual([`b${odd}c`]);
  });
});

describe('an answer in XML', () => {
  it('has the very characters that were in it', () => {
    for (const text of [
      '\u0001',
      '\ufffe',
      '\uffff',
      '\u{10ffff}\u0002',
      '\u{10fc02}\u0002',
      'a\u0000b\u001fc',
      'plain',
    ])
      expect(parse(`<a><b>${text}</b></a>`).text('b')).toBe(text);
    expect(parse('<a><b>&#x1;&#2;&#xFFFF;&#65534;&amp;&#x41;&#x10fc02;&nbsp;</b></a>').text('b')).toBe(
      '\u0001\u0002\uffff\ufffe&A\u{10fc02}&nbsp;',
    );
  });

  it('that is no XML, or nested without end, has not come', () => {
    for (const text of ['', 'x', '<a>', '<a>&#xd800;</a>', '<a>&#x110000;</a>', '<b>'.repeat(200_000)])
      expect(() => parse(text)).toThrow('it is not what was asked for');
  });
});

async function list(storage: Storage, prefix = ''): Promise<{ keys: string[]; failures: string[] }> {
  const keys: string[] = [];
  const failures: string[] = [];
  for await (const page of storage.list(prefix)) {
    keys.push(...page.objects.map(({ key }) => key));
    failures.push(...page.failures.map(({ shown }) => shown));
  }
  return { keys, failures };
}
