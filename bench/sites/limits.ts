import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface Transfer {
  readonly bytes: number;
  readonly count: number;
  /** At once. */
  readonly lanes: number;
}

/**
 * What the machine allows for bytes that go from files through HTTP on loopback into files: MB/s of two bare processes of Node that hash
 * nothing, record nothing, and flush what was written.
 */
export async function measureHttpLimit(directory: string, { bytes, count, lanes }: Transfer): Promise<number> {
  const folder = join(directory, 'limit');
  mkdirSync(folder);
  const source = join(folder, 'source');
  writeFileSync(source, Buffer.alloc(bytes, 'x'));
  const server = fork(import.meta.filename, [source]);
  try {
    const [port] = (await once(server, 'message')) as [number];
    const agent = new Agent({ keepAlive: true });
    const beganMs = performance.now();
    let next = 0;
    const lane = async (): Promise<void> => {
      while (next < count) await fetchInto(join(folder, `${next++}`), port, agent);
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    agent.destroy();
    return (bytes * count) / 1e6 / ((performance.now() - beganMs) / 1000);
  } finally {
    server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fetchInto(path: string, port: number, agent: Agent): Promise<void> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent }, resolve).once('error', reject);
  });
  await pipeline(response, createWriteStream(path, { highWaterMark: 1 << 20 }));
  await using file = await open(path, 'r+');
  await file.datasync();
}

const [source] = process.argv.slice(2);
if (process.send !== undefined && source !== undefined) {
  const { size } = statSync(source);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': size });
    createReadStream(source, { highWaterMark: 1 << 18 }).pipe(response);
  });
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}
