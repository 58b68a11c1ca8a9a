import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { StorageClient } from '../../src/client/storage-client.ts';
import { StorageClientConfig } from '../../src/client/storage-client-config.ts';
import { write } from '../sync/trees.ts';

test.each([
  ['', 'old'],
  ['consistency: current', 'new'],
  ['source_changes: external', 'new'],
  ['source_changes: external, consistency: validated', 'old'],
])(
  'of an object changed at the source behind Pando’s back, a profile with {%s} reads the %s bytes',
  async (keys, bytes) => {
    const root = mkdtempSync(join(tmpdir(), 'pando-consistency-'));
    try {
      for (const name of ['source', 'near']) mkdirSync(join(root, name));
      write(join(root, 'source'), 'a', 'old');
      const provider = (name: string) => `storage_provider: {type: file, options: {base_path: ${root}/${name}}}`;
      const replicas = 'replicas: [{replica_profile: near, read_priority: 1}]';
      const data = [provider('source'), replicas, keys].filter((one) => one !== '').join(', ');
      const text = `catalog: sqlite:${root}/catalog.sqlite\nprofiles: {data: {${data}}, near: {${provider('near')}}}\n`;
      const path = write(root, 'pando.yaml', text);
      await using client = new StorageClient(StorageClientConfig.fromFile({ profile: 'data', path }));
      await client.syncReplicas();
      write(join(root, 'source'), 'a', 'new', { modifiedMs: 1_750_000_000_000 });
      expect((await client.read('a')).toString()).toBe(bytes);
    } finally {
      rmSync(root, { recursive: true });
    }
  },
);
