import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StorageClient } from '../../src/client/storage-client.ts';
import { StorageClientConfig } from '../../src/client/storage-client-config.ts';
import { write } from '../sync/trees.ts';

test('a first replica that hangs costs a read no more than the deadline of the profile', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pando-hung-'));
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  try {
    mkdirSync(join(root, 'source'));
    write(join(root, 'source'), 'a', 'here');
    const path = write(
      root,
      'pando.yaml',
      `catalog: sqlite:${root}/catalog.sqlite
profiles:
  data:
    storage_provider: {type: file, options: {base_path: ${root}/source}}
    replicas: [{replica_profile: hung, read_priority: 1}]
    consistency: any
    deadline: 300ms
  hung:
    storage_provider: {type: s3, options: {base_path: bucket, endpoint_url: 'http://127.0.0.1:${port}'}}
    credentials_provider: {type: S3Credentials, options: {access_key: k, secret_key: s}}
`,
    );
    await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
    const startedMs = performance.now();
    expect((await client.read('a')).toString()).toBe('here');
    expect(sockets.length).toBeGreaterThan(0);
    expect(performance.now() - startedMs).toBeGreaterThan(250);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
    rmSync(root, { recursive: true });
  }
});
