import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeFrame } from '../../src/domain/command-frames.ts';
import { type Ran, Sandbox } from './sandbox.ts';

describe('a server that is none, or means no good', { timeout: 60_000 }, () => {
  let box: Sandbox;
  beforeEach(() => {
    box = new Sandbox();
  });
  afterEach(() => box[Symbol.dispose]());

  const askOne = async (answer: (response: ServerResponse) => void, words = ['status']): Promise<Ran> => {
    const server = createServer((_request, response) => answer(response));
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    const { port } = server.address() as AddressInfo;
    try {
      return await box.run([...words, '--server', `http://127.0.0.1:${port}`]);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  };

  it('is not listened to for ever', async () => {
    const endless = (status: number, response: ServerResponse): void => {
      response.writeHead(status);
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    const told = { code: 4, stderr: expect.stringContaining('no server of Pando') as string };
    expect(await askOne((response) => endless(500, response))).toMatchObject(told);
    let asked = 0;
    const both = await askOne((response) => endless(asked++ === 0 ? 200 : 500, response), ['cat', 's:a']);
    expect(both).toMatchObject(told);
  });

  it('ends a command where it says so, though it keeps the connection', async () => {
    const ran = await askOne((response) => {
      response.write(encodeFrame({ kind: 'stdout', bytes: Buffer.from('some\n') }));
      response.write(encodeFrame({ kind: 'end', bytes: Uint8Array.of(3) }));
    });
    expect(ran).toEqual({ code: 3, stdout: 'some\n', stderr: '' });
  });

  it('may cut its frames anywhere', async () => {
    const text = 'of bytes that come one by one '.repeat(2_000);
    const ran = await askOne((response) => {
      const bytes = [
        ...encodeFrame({ kind: 'stdout', bytes: Buffer.from(text) }),
        ...encodeFrame({ kind: 'end', bytes: Uint8Array.of(0) }),
      ];
      for (const byte of bytes) response.write(Uint8Array.of(byte));
      response.end();
    });
    expect(ran).toEqual({ code: 0, stdout: text, stderr: '' });
  });

  it('is sent nothing that it has refused beforehand', async () => {
    let isSent = false;
    const server = createServer((request, response) => {
      // What kind of scope it is may be asked.
      isSent ||= request.method !== 'GET';
      request.resume().once('end', () => response.end());
    });
    server.on('checkContinue', (_request, response) => {
      response.writeHead(401);
      response.end('{"message": "nobody"}');
    });
    await new Promise<void>((listens) => server.listen(0, '127.0.0.1', listens));
    const { port } = server.address() as AddressInfo;
    const ran = await box.run(['put', '-', 'lab:a', '--server', `http://127.0.0.1:${port}`], { input: 'bytes' });
    server.close();
    expect(ran).toMatchObject({ code: 5, stderr: expect.stringContaining('answered 401: nobody') as string });
    expect(isSent).toBe(false);
  });

  it('is not sent what it has no business with', async () => {
    const at = (url: string, token = ''): Promise<Ran> =>
      box.run(['status'], { env: { PANDO_SERVER: url, PANDO_TOKEN: token } });
    for (const url of [
      'http://me:secret@127.0.0.1:1',
      'ftp://me:secret@127.0.0.1',
      'http://127.0.0.1:1?token=secret',
    ]) {
      const ran = await at(url);
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringContaining('--server') as string });
      expect(ran.stderr).not.toContain('secret');
    }
    const garbled = await at('http://127.0.0.1:1', 'secret\nx');
    expect(garbled).toMatchObject({ code: 2, stderr: expect.stringContaining('PANDO_TOKEN') as string });
    expect(garbled.stderr).not.toContain('secret');
    const inTheClear = 'the token goes to 0.0.0.0:1 in the clear';
    expect((await at('http://0.0.0.0:1', 'secret')).stderr).toContain(inTheClear);
    for (const url of ['http://127.0.0.1:1', 'http://localhost:1', 'https://0.0.0.0:1'])
      expect((await at(url, 'secret')).stderr).not.toContain('in the clear');
  });
});
