import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { verifiedBody } from '../../src/engine/uploads/verified-body.ts';

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

test.each([
  ['as they were hashed', ['one', 'two'], 'onetwo', undefined],
  ['others of the same length', ['one', 'TWO'], 'one', 'it changed'],
  ['too few', ['one'], '', 'it changed'],
  ['too many', ['one', 'twotwo'], 'one', 'it changed'],
])('the last bytes of a file are given only where all were right: %s', async (_, texts, all, problem) => {
  const given: string[] = [];
  const reading = (async () => {
    const expected = { size: 6, sha256: hash('sha256', 'onetwo') };
    for await (const chunk of verifiedBody(chunks(...texts), expected, () => undefined))
      given.push(Buffer.from(chunk).toString());
  })();
  if (problem === undefined) await reading;
  else await expect(reading).rejects.toThrow(problem);
  expect(given.join('')).toBe(all);
});
