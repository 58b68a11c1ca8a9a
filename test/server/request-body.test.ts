import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openRequestBody } from '../../src/server/request-body.ts';

/** Bytes of a body one after the other, each 20 s later. */
async function readSlowly(isPatient: boolean): Promise<string> {
  const request = Object.assign(Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]), {
    headers: { 'transfer-encoding': 'chunked' },
    complete: true,
  });
  let nowMs = 0;
  const clock = { monotonicMs: () => (nowMs += 20_000) };
  const watch = { isPatient, onBytes: () => undefined, onWait: () => undefined };
  const parts: Uint8Array[] = [];
  const body = await openRequestBody(request as unknown as IncomingMessage, clock, watch);
  for await (const chunk of body as AsyncIterable<Uint8Array>) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

describe('a body that comes slowly', () => {
  it('is given up', async () => {
    await expect(readSlowly(false)).rejects.toMatchObject({ status: 408, code: 'too-slow' });
  });

  it('of a command is waited for', async () => {
    expect(await readSlowly(true)).toBe('abc');
  });
});
